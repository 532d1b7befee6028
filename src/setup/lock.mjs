import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A lock whose holder has not touched it for so long is left over. */
const STALE_MS = 60_000;

/**
 * Does `work` while no other process holds the lock file; waits for one that does.
 *
 * @template T
 * @param {string} file
 * @param {(text: string) => void} say told once when there is a wait
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, say, work) {
  mkdirSync(dirname(file), { recursive: true });
  for (let waited = false; !take(file); waited = true) {
    if (removeStale(file)) continue;
    if (!waited) say(`waiting for another setup to finish (${file})`);
    await sleep(500);
  }
  const alive = setInterval(() => touch(file), STALE_MS / 6);
  alive.unref();
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    clearInterval(alive);
    process.removeListener('exit', release);
    release();
  }
}

/** @param {string} file */
function take(file) {
  try {
    const handle = openSync(file, 'wx');
    writeSync(handle, JSON.stringify({ pid: process.pid, host: hostname() }));
    closeSync(handle);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes the lock of a process that is gone.
 *
 * @param {string} file
 * @returns {boolean} whether it was removed
 */
function removeStale(file) {
  try {
    const untouched = Date.now() - statSync(file).mtimeMs;
    /** @type {{ pid?: number, host?: string }} */
    let holder = {};
    try {
      holder = JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      // Just being written.
    }
    const gone = holder.host === hostname() && holder.pid !== undefined && !isRunning(holder.pid);
    if (!gone && untouched < STALE_MS) return false;
    rmSync(file, { force: true });
    return true;
  } catch {
    return true;
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/** @param {string} file */
function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // Removed by hand: the work goes on.
  }
}
