import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { nameFile } from './name-file.mjs';

/**
 * Creates a folder and its parents, with default permissions (umask). The recursive `mkdir` of Node reports a missing
 * folder if a parent is on a read-only file system, and never returns in /proc.
 *
 * @param {string} folder
 * @returns {void}
 * @throws the error of the file system, with the path of `folder`
 */
export function makeFolder(folder) {
  try {
    makeWithParents(folder);
  } catch (error) {
    throw nameFile(error, folder);
  }
}

/**
 * Gives a folder of `mkdtemp`, which only its owner may read, the default permissions (umask), so that other users of
 * the cache can read it, too.
 *
 * @param {string} folder
 * @returns {void}
 */
export function shareFolder(folder) {
  chmodSync(folder, 0o777 & ~process.umask());
}

/** @param {string} folder */
function makeWithParents(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    // Read-only file systems report their state even for a folder that exists.
    if (isFolder(folder)) return;
    if (code !== 'ENOENT' || isFolder(dirname(folder)) || dirname(folder) === folder) throw error;
    makeWithParents(dirname(folder));
    makeWithParents(folder);
  }
}

/** @param {string} path */
function isFolder(path) {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
