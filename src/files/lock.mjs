import { createHash, randomUUID } from 'node:crypto';
import {
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { draftName, removeLeftoverDrafts } from './drafts.mjs';
import { startHeartbeat } from './heartbeat.mjs';
import { ownIdentity, processState } from './process-identity.mjs';

/*
 * A lock is a file that names its holder. It appears with its content in one step (a hard link to a draft), so exactly
 * one of many processes creates it.
 *
 * A stale lock is replaced by whoever holds a second lock, the claim, whose name contains the hash of the stale one.
 * Locks are unique, so this name is never needed for another purpose: a process that was slow finds, once it has the
 * claim, that the lock is no longer the stale one, and gives up. A claim can become stale itself, by the same rule.
 *
 * The holder is dead when its pid is, or belongs to a younger process. Processes of another machine or container
 * cannot be asked: they are dead when their heartbeat has stopped.
 *
 * Plain JavaScript without packages: `s2s setup` locks before anything is installed. (proper-lockfile judges by the
 * heartbeat of the main thread alone, which a long training step would stop.)
 */

/** @typedef {import('./process-identity.mjs').ProcessIdentity & { id: string }} Holder */

/**
 * @typedef {object} Lock
 * @property {() => Promise<void>} release
 * @property {() => void} releaseNow for the exit of the process, which waits for no promise
 */

/** A holder that cannot be asked is dead after this long without a heartbeat. */
const SILENT_MS = 120_000;
/** A lock without readable content this old is not about to get any. */
const UNREADABLE_MS = 2000;
const CLAIM = '.takeover-';
/** What file systems without hard links answer. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

/** Locks of this process. */
const held = new Set();

/**
 * Takes a lock, unless somebody holds it. The lock of a dead process is taken over.
 *
 * @param {string} file the folder is made
 * @returns {Promise<{ lock: Lock, holder?: undefined } | { lock?: undefined, holder: Holder }>}
 */
export async function tryLock(file) {
  mkdirSync(dirname(file), { recursive: true });
  const id = randomUUID();
  const text = JSON.stringify({ id, ...ownIdentity() });
  held.add(id);
  const holder = await acquire(file, text).catch((error) => {
    held.delete(id);
    throw error;
  });
  if (holder !== undefined) {
    held.delete(id);
    return { holder };
  }
  removeClaims(file);
  removeLeftoverDrafts(dirname(file));
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
 * @returns {Promise<Holder | undefined>} who holds the lock; undefined when it is ours
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
 * @returns {Promise<boolean>} false when somebody else is faster
 */
async function takeOver(file, stale, text) {
  const claim = `${file}${CLAIM}${stale}`;
  if ((await acquire(claim, text)) !== undefined) {
    await sleep(5 + 20 * Math.random());
    return false;
  }
  try {
    if (read(file)?.key !== stale) return false;
    const draft = draftName(file);
    writeFileSync(draft, text, { flag: 'wx' });
    renameSync(draft, file);
    return true;
  } finally {
    rmSync(claim, { force: true });
  }
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {boolean} false when it exists
 */
function create(file, text) {
  const draft = draftName(file);
  writeFileSync(draft, text, { flag: 'wx' });
  try {
    try {
      linkSync(draft, file);
    } catch (error) {
      if (!NO_LINKS.has(codeOf(error) ?? '')) throw error;
      copyFileSync(draft, file, constants.COPYFILE_EXCL);
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Removes claims that crashes left. Claims of living processes go as well, without harm: they are for a lock that is
 * gone.
 *
 * @param {string} file a lock that is ours
 */
function removeClaims(file) {
  const prefix = `${basename(file)}${CLAIM}`;
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
  if (state === 'unknown') return ageOf(file) < SILENT_MS;
  // Where start times are not known, an earlier process may have had our pid.
  if (state === 'running' && holder.pid === process.pid && holder.started === undefined) return held.has(holder.id);
  return state === 'running';
}

/**
 * @param {string} file
 * @returns {number} milliseconds since the last change, by the clock of the file system; infinite when it is gone
 */
function ageOf(file) {
  const draft = draftName(file);
  writeFileSync(draft, '', { flag: 'wx' });
  try {
    return statSync(draft).mtimeMs - statSync(file).mtimeMs;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return Infinity;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * @param {string} file
 * @returns {{ text: string, key: string, holder: Holder | undefined } | undefined} undefined when there is none
 */
function read(file) {
  try {
    const text = readFileSync(file, 'utf8');
    const holder = parse(text);
    // Without an id in it, the time tells two locks apart.
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
