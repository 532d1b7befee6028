import { createHash, randomUUID } from 'node:crypto';
import {
  constants,
  copyFileSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeStaleTemporaryFiles, temporaryName } from './temporary-files.mjs';
import { startHeartbeat } from './heartbeat.mjs';
import { makeFolder } from './make-folder.mjs';
import { nameFile } from './name-file.mjs';
import { ownIdentity, processState } from './process-identity.mjs';

/*
 * A lock is a file that identifies its holder. It is created atomically with its content, as a hard link to a temporary
 * file, so exactly one of several competing processes succeeds.
 *
 * A stale lock is replaced by the process that holds a second lock, the takeover lock, whose name contains a hash of
 * the stale lock. Every lock has a unique id. A slow process that acquires the takeover lock too late therefore finds
 * that the lock has changed, and gives up. A takeover lock can itself become stale; the same rules apply.
 *
 * A holder is dead if no process has its pid and start time. Processes of other machines or containers cannot be
 * inspected: they are considered dead if their heartbeat has stopped.
 *
 * Plain JavaScript without dependencies, because `s2s setup` locks before packages are installed. (proper-lockfile has
 * its heartbeat in the main thread, which a long training step blocks.)
 */

/** @typedef {import('./process-identity.mjs').ProcessIdentity & { id: string }} Holder */

/**
 * @typedef {object} Lock
 * @property {() => Promise<void>} release
 * @property {() => void} releaseNow for exit handlers, which cannot wait for a promise
 */

/** Time without heartbeat after which a holder on another machine is considered dead. */
const HEARTBEAT_TIMEOUT_MS = 120_000;
/** Age at which a lock without valid content is stale: its writer died. */
const UNREADABLE_MS = 2000;
const TAKEOVER = '.takeover-';
/** Error codes of file systems without hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

/** Ids of the locks that this process holds. */
const held = new Set();

/**
 * Acquires a lock, or returns its holder. The lock of a dead process is taken over.
 *
 * @param {string} file its directory is created if missing
 * @returns {Promise<{ lock: Lock, holder?: undefined } | { lock?: undefined, holder: Holder }>}
 * @throws the errors of the file system, with the path of the directory
 */
export async function tryLock(file) {
  makeFolder(dirname(file));
  const id = randomUUID();
  const text = JSON.stringify({ id, ...ownIdentity() });
  held.add(id);
  const holder = await acquire(file, text).catch((error) => {
    held.delete(id);
    throw nameFile(error, dirname(file));
  });
  if (holder !== undefined) {
    held.delete(id);
    return { holder };
  }
  removeTakeoverLocks(file);
  removeStaleTemporaryFiles(dirname(file));
  const endHeartbeat = startHeartbeat(file, text);
  const releaseNow = () => {
    held.delete(id);
    if (read(file)?.text === text) rmSync(file, { force: true });
  };
  return {
    lock: {
      releaseNow,
      release: async () => {
        releaseNow();
        await endHeartbeat();
      },
    },
  };
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {Promise<Holder | undefined>} the holder; undefined if the lock was acquired
 */
async function acquire(file, text) {
  while (!create(file, text)) {
    const present = read(file);
    if (present === undefined) continue;
    if (present.holder !== undefined && isHeld(present.holder, file)) return present.holder;
    if (present.holder === undefined && ageOf(file) < UNREADABLE_MS) await sleep(UNREADABLE_MS / 20);
    else if (await takeOver(file, present.key, text)) return undefined;
  }
  return undefined;
}

/**
 * @param {string} file
 * @param {string} stale key of the lock to replace
 * @param {string} text
 * @returns {Promise<boolean>} false if another process was faster
 */
async function takeOver(file, stale, text) {
  const takeoverLock = `${file}${TAKEOVER}${stale}`;
  if ((await acquire(takeoverLock, text)) !== undefined) {
    await sleep(5 + 20 * Math.random());
    return false;
  }
  try {
    if (read(file)?.key !== stale) return false;
    const temporary = temporaryName(file);
    try {
      writeFileSync(temporary, text, { flag: 'wx' });
      renameSync(temporary, file);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    return true;
  } finally {
    rmSync(takeoverLock, { force: true });
  }
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {boolean} false if the file exists
 */
function create(file, text) {
  const temporary = temporaryName(file);
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    try {
      linkSync(temporary, file);
    } catch (error) {
      if (!NO_LINKS.has(codeOf(error) ?? '')) throw error;
      copyFileSync(temporary, file, constants.COPYFILE_EXCL);
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/**
 * Deletes stale takeover locks. Those of living processes can be deleted too: the lock they refer to no longer exists.
 *
 * @param {string} file a lock held by this process
 */
function removeTakeoverLocks(file) {
  const prefix = `${basename(file)}${TAKEOVER}`;
  for (const name of readdirSync(dirname(file))) {
    if (name.startsWith(prefix)) rmSync(join(dirname(file), name), { force: true });
  }
}

/**
 * @param {Holder} holder
 * @param {string} file
 */
function isHeld(holder, file) {
  const state = processState(holder);
  if (state === 'unknown') return ageOf(file) < HEARTBEAT_TIMEOUT_MS;
  // Without start times, the holder may be an earlier process that had the same pid.
  if (state === 'running' && holder.pid === process.pid && holder.started === undefined) return held.has(holder.id);
  return state === 'running';
}

/**
 * @param {string} file
 * @returns {number} milliseconds since the last change, by the clock of the file system; Infinity if it does not exist
 */
function ageOf(file) {
  const temporary = temporaryName(file);
  try {
    writeFileSync(temporary, '', { flag: 'wx' });
    return statSync(temporary).mtimeMs - statSync(file).mtimeMs;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return Infinity;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/**
 * @param {string} file
 * @returns {{ text: string, key: string, holder: Holder | undefined } | undefined} undefined if it does not exist
 */
function read(file) {
  try {
    const text = readFileSync(file, 'utf8');
    const holder = parse(text);
    // A lock without an id is identified by its modification time.
    const unique = holder === undefined ? `${text}\n${statSync(file).mtimeMs}` : text;
    return { text, key: createHash('sha256').update(unique).digest('hex').slice(0, 16), holder };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * @param {string} text
 * @returns {Holder | undefined}
 */
function parse(text) {
  try {
    /** @type {Partial<Holder> | null} */
    const value = JSON.parse(text);
    if (typeof value?.host !== 'string' || !Number.isInteger(value.pid)) return undefined;
    return /** @type {Holder} */ ({ id: '', since: '', ...value });
  } catch {
    return undefined;
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code;
}
