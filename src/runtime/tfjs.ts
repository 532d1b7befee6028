import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type * as tfTypes from '@tensorflow/tfjs-node-gpu';
import { S2sError } from '../errors.js';
import { TFJS_VERSION } from '../setup/addons.mjs';

const require = createRequire(import.meta.url);
const PACKAGE = '@tensorflow/tfjs-node-gpu';

/**
 * Loads tfjs-node with the given addon instead of its own. Replaces two modules that it requires:
 *
 * - `@mapbox/node-pre-gyp`, which returns the path of the addon, so that nothing is written into node_modules.
 * - `util`, only while tfjs-node loads: version 4.22 calls `isNullOrUndefined` and `isArray`, which print a deprecation
 *   warning in Node 22 and were removed in Node 23 (tensorflow/tfjs issue 8609). Node's own `util` is unchanged.
 *
 * @param addon path of the compiled addon
 * @throws S2sError `wrong-tfjs-version`
 */
export function loadTfjs(addon: string): typeof tfTypes {
  const manifest = require.resolve(`${PACKAGE}/package.json`);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  checkTfjsVersion(version, dirname(manifest));
  const requireFromPackage = createRequire(manifest);
  // Never restored: loading the real node-pre-gyp would take a third of the load time of tfjs.
  replaceModule(requireFromPackage.resolve('@mapbox/node-pre-gyp'), { find: () => addon });
  const restoreUtil = replaceModule('util', utilForTfjs());
  try {
    return require(PACKAGE) as typeof tfTypes;
  } finally {
    restoreUtil();
  }
}

/**
 * Requires the tested version of tfjs-node, because s2s uses its private functions.
 *
 * @param folder where it is installed, for the error message
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

/** Node's `util` plus the functions that tfjs-node calls and Node 23 removed. */
function utilForTfjs(): object {
  const util = require('node:util') as object;
  const added = {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  };
  const properties = { ...Object.getOwnPropertyDescriptors(util), ...Object.getOwnPropertyDescriptors(added) };
  return Object.create(Object.getPrototypeOf(util) as object, properties) as object;
}

/** Makes `require` return `exports` for a module. Returns a function that restores the module. */
function replaceModule(id: string, exports: object): () => void {
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
