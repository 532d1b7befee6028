import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { nameFile } from './name-file.mjs';
import { removeStaleTemporaryFiles, temporaryName } from './temporary-files.mjs';

/*
 * Atomic writes, also if the process is killed or the power fails: the content is written to a temporary file in the
 * same directory, which is flushed to disk and renamed; then the directory is flushed. Readers see the old file or the
 * new one. New files have default permissions (umask).
 */

/** Error codes of file systems that do not support fsync on a file or a directory. */
const SYNC_UNSUPPORTED = new Set(['EINVAL', 'ENOTSUP', 'ENOSYS', 'EPERM', 'EISDIR', 'EBADF']);

/**
 * Writes a file atomically. Its directory must exist.
 *
 * @param {string} file
 * @param {string | Uint8Array | ((temporary: import('node:fs/promises').FileHandle) => Promise<void>)} content a
 *   function writes the content to the temporary file
 * @returns {Promise<void>}
 * @throws the errors of the file system, with the path of `file`, and of `content`; the file is then unchanged
 */
export async function replaceFile(file, content) {
  const temporary = temporaryName(file);
  try {
    const handle = await open(temporary, 'wx');
    try {
      if (typeof content === 'function') await content(handle);
      else await handle.writeFile(content);
      await handle.sync().catch(ignoreUnsupported);
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    // The first error is the cause.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw nameFile(error, file);
  }
  await syncFolder(dirname(file));
  removeStaleTemporaryFiles(dirname(file));
}

/**
 * Synchronous version of `replaceFile`.
 *
 * @param {string} file
 * @param {string | Uint8Array} content
 * @returns {void}
 */
export function replaceFileSync(file, content) {
  const temporary = temporaryName(file);
  try {
    const handle = openSync(temporary, 'wx');
    try {
      writeFileSync(handle, content);
      syncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
  } catch (error) {
    removeQuietly(temporary);
    throw nameFile(error, file);
  }
  syncFolderSync(dirname(file));
  removeStaleTemporaryFiles(dirname(file));
}

/**
 * Renames a file or directory on the same file system, and flushes the rename to disk. A file is flushed before; files
 * in a directory must have been flushed by the caller.
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
 * Flushes a directory to disk, if the system supports it, so that renames in it survive a power failure.
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
    await handle.sync().catch(ignoreUnsupported);
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
    ignoreUnsupported(error);
  }
}

/** @param {string} file */
function removeQuietly(file) {
  try {
    rmSync(file, { force: true });
  } catch {
    // The first error is the cause.
  }
}

/** @param {unknown} error */
function ignoreUnsupported(error) {
  if (!SYNC_UNSUPPORTED.has(/** @type {NodeJS.ErrnoException} */ (error).code ?? '')) throw error;
}
