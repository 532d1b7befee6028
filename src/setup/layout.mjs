import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ONEDNN_VERSION, TENSORFLOW_VERSION } from './wheels.mjs';

/** Folder of the s2s package: this file runs from src/ before the build and from dist/src/ after it. */
export const PACKAGE_ROOT = packageRoot(dirname(fileURLToPath(import.meta.url)));

/** The platform as Node names it: `linux-x64`. */
export const PLATFORM = `${process.platform}-${process.arch}`;

/** Name of the file that `s2s setup` writes last into a library's folder. */
export const RECORD_FILE = 'installed.json';

/**
 * What is known of an installed library.
 * @typedef {object} LibraryRecord
 * @property {string} version
 * @property {import('./wheels.mjs').Variant} variant
 * @property {string} origin for people: `pip wheel tensorflow-cpu 2.21.0`
 */

/**
 * The user's cache folder for native libraries, shared by all checkouts and outside node_modules: `S2S_CACHE` moves it.
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
 * Folder of a build of TensorFlow: `tensorflow/`, `nvidia/`, and in `addons/` what is compiled against it.
 *
 * @param {import('./wheels.mjs').Variant} variant
 * @param {string} cache
 */
export function tensorflowFolder(variant, cache = cacheFolder()) {
  return join(cache, `tensorflow-${TENSORFLOW_VERSION}-${variant}-${PLATFORM}`);
}

/**
 * Folder of oneDNN: `lib/` and `include/`.
 *
 * @param {string} cache
 */
export function onednnFolder(cache = cacheFolder()) {
  return join(cache, `onednn-${ONEDNN_VERSION}-${PLATFORM}`);
}

/**
 * File of one of TensorFlow's two libraries.
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
