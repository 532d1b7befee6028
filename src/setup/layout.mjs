import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ONEDNN_VERSION, TENSORFLOW_VERSION } from './wheels.mjs';

/** Root folder of the s2s package. This file runs from src/ before the build and from dist/src/ after it. */
export const PACKAGE_ROOT = packageRoot(dirname(fileURLToPath(import.meta.url)));

/** The platform as Node names it: `linux-x64`. */
export const PLATFORM = `${process.platform}-${process.arch}`;

/** Name of the file that `s2s setup` writes last into a library's folder, which marks it as complete. */
export const RECORD_FILE = 'installed.json';

/**
 * Record of an installed library.
 * @typedef {object} LibraryRecord
 * @property {string} version
 * @property {import('./wheels.mjs').Variant} variant
 * @property {string} origin human-readable: `pip wheel tensorflow-cpu 2.21.0`
 */

/**
 * The user's cache folder for native libraries, which all checkouts share. `S2S_CACHE` overrides it.
 *
 * @param {NodeJS.ProcessEnv} environment
 * @param {NodeJS.Platform} platform
 * @returns {string}
 */
export function cacheFolder(environment = process.env, platform = process.platform) {
  const { S2S_CACHE: own, XDG_CACHE_HOME: xdg } = environment;
  if (own !== undefined && own !== '') return resolve(own);
  if (xdg !== undefined && xdg !== '') return join(xdg, 's2s');
  return platform === 'darwin' ? join(homedir(), 'Library', 'Caches', 's2s') : join(homedir(), '.cache', 's2s');
}

/**
 * Folder of a TensorFlow build. Contains `tensorflow/`, `nvidia/`, and the compiled addons in `addons/`.
 *
 * @param {import('./wheels.mjs').Variant} variant
 * @param {string} cache
 */
export function tensorflowFolder(variant, cache = cacheFolder()) {
  return join(cache, `tensorflow-${TENSORFLOW_VERSION}-${variant}-${PLATFORM}`);
}

/**
 * Folder of oneDNN. Contains `lib/` and `include/`.
 *
 * @param {string} cache
 */
export function onednnFolder(cache = cacheFolder()) {
  return join(cache, `onednn-${ONEDNN_VERSION}-${PLATFORM}`);
}

/**
 * Path of one of TensorFlow's two shared libraries.
 *
 * @param {string} folder of the build
 * @param {'cc' | 'framework'} part
 */
export function tensorflowLibrary(folder, part) {
  return join(
    folder,
    'tensorflow',
    process.platform === 'darwin' ? `libtensorflow_${part}.2.dylib` : `libtensorflow_${part}.so.2`,
  );
}

/** @param {string} folder @returns {string} */
function packageRoot(folder) {
  if (existsSync(join(folder, 'package.json'))) return folder;
  return packageRoot(dirname(folder));
}
