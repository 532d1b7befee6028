import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type * as tfTypes from '@tensorflow/tfjs-node-gpu';
import { S2sError } from '../errors.js';
import { TFJS_VERSION } from '../setup/addons.mjs';

const require = createRequire(import.meta.url);
const PACKAGE = '@tensorflow/tfjs-node-gpu';

/**
 * Loads tfjs-node with an addon of ours. Two modules that it requires are replaced while it loads:
 *
 * - `@mapbox/node-pre-gyp`, which it asks for the path of its addon; nothing is written into node_modules.
 * - `util`, because tfjs-node 4.22 calls `isNullOrUndefined` and `isArray`, which print a warning in Node 22 and do not
 *   exist since Node 23 (tensorflow/tfjs issue 8609). Node's own `util` is not changed.
 *
 * @param addon path of the compiled addon
 * @throws S2sError `wrong-tfjs-version`
 */
export function loadTfjs(addon: string): typeof tfTypes {
  const manifest = require.resolve(`${PACKAGE}/package.json`);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  checkTfjsVersion(version, dirname(manifest));
  const requireFromPackage = createRequire(manifest);
  // node-pre-gyp is never loaded: that would take a third of the time that all of tfjs takes.
  standIn(requireFromPackage.resolve('@mapbox/node-pre-gyp'), { find: () => addon });
  const restoreUtil = standIn('util', utilForTfjs());
  try {
    return require(PACKAGE) as typeof tfTypes;
  } finally {
    restoreUtil();
  }
}

/**
 * Refuses versions of tfjs-node other than the tested one: s2s uses functions of it that are not public.
 *
 * @param folder where it is installed, for the message
 * @throws S2sError `wrong-tfjs-version`
 */
export function checkTfjsVersion(version: string, folder: string): void {
  if (version === TFJS_VERSION) return;
  throw new S2sError(
    'wrong-tfjs-version',
    `s2s needs ${PACKAGE} ${TFJS_VERSION}, but ${folder} is version ${version}`,
    {
      hint: `Install the right one: npm install --ignore-scripts --save-exact ${PACKAGE}@${TFJS_VERSION}`,
    },
  );
}

/** Node's `util` with the functions that tfjs-node calls and newer versions of Node lack. */
function utilForTfjs(): object {
  const util = require('node:util') as object;
  const added = {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  };
  const properties = { ...Object.getOwnPropertyDescriptors(util), ...Object.getOwnPropertyDescriptors(added) };
  return Object.create(Object.getPrototypeOf(util) as object, properties) as object;
}

/** Makes `require` return `exports` for a module; the returned function undoes it. */
function standIn(id: string, exports: object): () => void {
  const cache = require.cache;
  const before = cache[id];
  const module = {
    exports,
    loaded: true,
    id,
    filename: id,
    children: [],
    paths: [],
    path: id,
    parent: null,
    isPreloading: false,
    require,
  };
  cache[id] = module as unknown as NodeJS.Module;
  return () => {
    if (before === undefined) Reflect.deleteProperty(cache, id);
    else cache[id] = before;
  };
}
