import { join } from 'node:path';
import { S2sError } from '../errors.js';
import { tryLock } from '../files/lock.mjs';

const LOCK_FILE = '.lock';

export interface RunLock {
  /** Lets other trainings use the run directory. */
  release(): Promise<void>;
}

/**
 * Keeps other trainings out of a run directory until released. The lock of a process that is no longer alive is
 * taken over.
 *
 * @throws S2sError `run-directory-locked` when another process, or this one, is training there
 */
export async function lockRunDirectory(runDirectory: string): Promise<RunLock> {
  const file = join(runDirectory, LOCK_FILE);
  const { lock, holder } = await tryLock(file);
  if (lock !== undefined) return lock;
  const problem = `process ${holder.pid} on ${holder.host} has been training here since ${holder.since}`;
  throw new S2sError('run-directory-locked', problem, {
    place: { file: runDirectory },
    hint: `Choose another --run-dir, or, if that process is gone, delete ${file}.`,
  });
}
