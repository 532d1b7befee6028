import { join } from 'node:path';
import { S2sError } from '../errors.js';
import { tryLock } from '../files/lock.mjs';
import { shellQuote } from '../shell-quote.js';

const LOCK_FILE = '.lock';

export interface RunLock {
  release(): Promise<void>;
}

/**
 * Locks a run directory against other training processes. The lock of a process that has died is taken over.
 *
 * @throws S2sError `run-directory-locked` if another process, or this one, already trains there
 */
export async function lockRunDirectory(runDirectory: string): Promise<RunLock> {
  const file = join(runDirectory, LOCK_FILE);
  const { lock, holder } = await tryLock(file);
  if (lock !== undefined) return lock;
  const problem = `process ${holder.pid} on ${holder.host} has been training here since ${holder.since}`;
  throw new S2sError('run-directory-locked', problem, {
    place: { file: runDirectory },
    hint: `Choose another --run-dir. If that process no longer runs, delete its lock: rm ${shellQuote(file)}`,
  });
}
