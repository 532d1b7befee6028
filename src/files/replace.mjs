import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { draftName, removeLeftoverDrafts } from './drafts.mjs';

/*
 * Writes that happen completely or not at all, also when the process is killed or the power fails: the content goes to
 * a draft in the same folder, the draft is flushed to disk and renamed, and the folder is flushed. Readers see the old
 * file or the new one. New files get the permissions that the umask allows.
 */

/** What file systems answer that cannot flush a file or a folder. */
const CANNOT_SYNC = new Set(['EINVAL', 'ENOTSUP', 'ENOSYS', 'EPERM', 'EISDIR', 'EBADF']);

/**
 * Replaces a file, or creates it. Its folder must exist.
 *
 * @param {string} file
 * @param {string | Uint8Array | ((draft: import('node:fs/promises').FileHandle) => Promise<void>)} content a function
 *   writes the content to the draft piece by piece
 * @returns {Promise<void>}
 * @throws what the file system or `content` throws; then the file is unchanged and the draft is removed
 */
export async function replaceFile(file, content) {
  const draft = draftName(file);
  try {
    const handle = await open(draft, 'wx');
    try {
      if (typeof content === 'function') await content(handle);
      else await handle.writeFile(content);
      await handle.sync().catch(passOver);
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(dirname(file));
  removeLeftoverDrafts(dirname(file));
}

/**
 * Replaces a file, or creates it, as `replaceFile` does, and returns when that is done.
 *
 * @param {string} file
 * @param {string | Uint8Array} content
 * @returns {void}
 */
export function replaceFileSync(file, content) {
  const draft = draftName(file);
  try {
    const handle = openSync(draft, 'wx');
    try {
      writeFileSync(handle, content);
      syncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncFolderSync(dirname(file));
  removeLeftoverDrafts(dirname(file));
}

/**
 * Renames a finished file or folder to its final place on the same file system. A file is flushed to disk first; the
 * files in a folder must have been.
 *
 * @param {string} source
 * @param {string} target
 * @returns {Promise<void>}
 */
export async function moveIntoPlace(source, target) {
  await sync(source);
  await rename(source, target);
  await syncFolder(dirname(target));
}

/**
 * Flushes the entries of a folder to disk, so that renames in it survive a power failure, where the system can.
 *
 * @param {string} folder
 * @returns {Promise<void>}
 */
export async function syncFolder(folder) {
  await sync(folder);
}

/** @param {string} path */
async function sync(path) {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync().catch(passOver);
  } finally {
    await handle.close();
  }
}

/** @param {string} folder */
function syncFolderSync(folder) {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    syncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** @param {number} handle */
function syncSync(handle) {
  try {
    fsyncSync(handle);
  } catch (error) {
    passOver(error);
  }
}

/** @param {unknown} error */
function passOver(error) {
  if (!CANNOT_SYNC.has(/** @type {NodeJS.ErrnoException} */ (error).code ?? '')) throw error;
}
