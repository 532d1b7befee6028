import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { S2sError } from '../errors.js';

const LOCK_FILE = '.lock';
/** A lock without content this long after it was seen is no lock in the making. */
const WRITING_MS = 100;
/** A process that replaces a stale lock is done long before this. */
const CLAIM_MS = 500;
/** Clocks jump a little; a lock this much older than the last start of the machine is surely from before it. */
const CLOCK_SLACK_MS = 60_000;

const lockSchema = z.object({ id: z.string(), pid: z.int(), host: z.string(), since: z.iso.datetime() });
type Lock = z.output<typeof lockSchema>;

/** Locks of this very process: another lock with its pid is from an earlier process of the same number. */
const held = new Set<string>();

export interface RunLock {
  /** Gives the run directory free. */
  release(): Promise<void>;
}

/**
 * Keeps other trainings out of a run directory until released. The lock of a process that is no longer alive is
 * taken over.
 *
 * @throws S2sError `run-directory-locked` when another process, or this one, is training there
 */
export async function lockRunDirectory(runDirectory: string): Promise<RunLock> {
  await mkdir(runDirectory, { recursive: true });
  const file = join(runDirectory, LOCK_FILE);
  const lock: Lock = { id: randomUUID(), pid: process.pid, host: hostname(), since: new Date().toISOString() };
  held.add(lock.id);
  while (!(await create(file, JSON.stringify(lock)))) {
    const text = await read(file);
    if (text === undefined) continue;
    const present = parse(text);
    if (present !== undefined && isHeld(present)) {
      held.delete(lock.id);
      throw locked(runDirectory, file, present);
    }
    if (present === undefined) {
      await sleep(WRITING_MS);
      if ((await read(file)) !== text) continue;
    }
    if (await takeOver(file, text, JSON.stringify(lock))) break;
  }
  return {
    async release() {
      held.delete(lock.id);
      if (parse((await read(file)) ?? '')?.id === lock.id) await rm(file, { force: true });
    },
  };
}

/** Whether the file could be made; false when there is one already. */
async function create(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Replaces a stale lock; false when someone else has done so since its text was read. A claim beside the lock lets
 * one process at a time try, and only its holder changes a stale lock.
 */
async function takeOver(file: string, stale: string, text: string): Promise<boolean> {
  const claim = `${file}.claim`;
  if (!(await create(claim, text))) {
    // Its holder is about to replace the lock; a claim that stays was left by a crash right here.
    await sleep(CLAIM_MS);
    if ((await read(file)) === stale) await rm(claim, { force: true });
    return false;
  }
  try {
    if ((await read(file)) !== stale) return false;
    await writeFile(`${claim}.new`, text);
    await rename(`${claim}.new`, file);
    return true;
  } finally {
    await rm(claim, { force: true });
  }
}

function locked(runDirectory: string, file: string, lock: Lock): S2sError {
  return new S2sError('run-directory-locked', `process ${lock.pid} on ${lock.host} has been training here since ${lock.since}`, {
    place: { file: runDirectory },
    hint: `Choose another --run-dir, or, if that process is gone, delete ${file}.`,
  });
}

/** Whether the lock's process may still be at work. That of another machine cannot be asked, so it counts as such. */
function isHeld(lock: Lock): boolean {
  if (lock.host !== hostname()) return true;
  if (Date.parse(lock.since) < Date.now() - uptime() * 1000 - CLOCK_SLACK_MS) return false;
  if (lock.pid === process.pid) return held.has(lock.id);
  try {
    process.kill(lock.pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

function parse(text: string): Lock | undefined {
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
