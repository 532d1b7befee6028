import { setTimeout as sleep } from 'node:timers/promises';
import { tryLock } from '../files/lock.mjs';

/**
 * Runs `work` while holding the lock file; waits while another process holds it.
 *
 * @template T
 * @param {string} file
 * @param {(text: string) => void} say called once if it has to wait
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, say, work) {
  let { lock } = await tryLock(file);
  if (lock === undefined) say(`waiting for another setup to finish (${file})`);
  while (lock === undefined) {
    await sleep(500);
    ({ lock } = await tryLock(file));
  }
  process.once('exit', lock.releaseNow);
  try {
    return await work();
  } finally {
    process.removeListener('exit', lock.releaseNow);
    await lock.release();
  }
}
