import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { selectDevice, type SelectedDevice } from './device.js';
import { chooseLibrary, type InstalledLibrary } from './library.js';

type TensorFlow = typeof import('@tensorflow/tfjs-node-gpu');

/** TensorFlow as tfjs offers it. A live binding, set by `loadTensorFlow`: importing this module loads nothing. */
export let tf: TensorFlow;

/** What was loaded, and what it computes on. */
export interface LoadedRuntime extends SelectedDevice {
  readonly library: InstalledLibrary;
}

let loaded: LoadedRuntime | undefined;

/**
 * Loads the native library, once a process: some 0.3 s and 360 MB of resident memory.
 *
 * @param options.device `auto`, `cpu`, `gpu` or `gpu:N`
 * @throws S2sError `no-native-library` before `s2s setup`; `no-gpu` when a GPU is asked for and cannot be used
 */
export async function loadTensorFlow(options: { device?: string } = {}): Promise<LoadedRuntime> {
  if (loaded !== undefined) return loaded;
  const device = options.device ?? 'auto';
  const require = createRequire(import.meta.url);
  const packageFile = require.resolve('@tensorflow/tfjs-node-gpu/package.json');
  const library = chooseLibrary(device, dirname(packageFile));
  prepareEnvironment(device);
  restoreRemovedFunction(require);
  pointToAddon(createRequire(packageFile), library.addon);

  const mute = library.mute === undefined ? undefined : (require(library.mute) as { mute(): void; restore(): void });
  const quiet = process.env['S2S_NATIVE_LOG'] === undefined;
  if (quiet) mute?.mute();
  try {
    tf = require('@tensorflow/tfjs-node-gpu') as TensorFlow;
    await tf.ready();
    if (library.customOps !== undefined) require(library.customOps);
    // The first op makes TensorFlow look for devices, and say what it thinks of them.
    tf.tidy(() => void tf.add(1, 1).dataSync());
  } finally {
    if (quiet) mute?.restore();
  }
  loaded = { library, ...selectDevice(device, library) };
  return loaded;
}

/** The runtime that was loaded, if any. */
export function loadedRuntime(): LoadedRuntime | undefined {
  return loaded;
}

/** Variables that TensorFlow and CUDA read when they are loaded; those that the user has set stay. */
function prepareEnvironment(device: string): void {
  const { env } = process;
  env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  // Room for the kernels that are compiled when a GPU is newer than the library, so that it happens once.
  env['CUDA_CACHE_MAXSIZE'] ??= String(4 * 1024 ** 3);
  if (device === 'cpu') env['CUDA_VISIBLE_DEVICES'] = '-1';
  const number = /^gpu:(\d+)$/.exec(device)?.[1];
  if (number !== undefined) env['CUDA_VISIBLE_DEVICES'] = number;
}

/** tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 removed (tensorflow/tfjs issue 8609). */
function restoreRemovedFunction(require: NodeJS.Require): void {
  const util = require('node:util') as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  const utilArray = util as { isArray?: (value: unknown) => boolean };
  utilArray.isArray ??= Array.isArray;
}

/** Answers tfjs's question for its addon, which it asks of node-pre-gyp, with ours: nothing is written into node_modules. */
function pointToAddon(requireFromPackage: NodeJS.Require, addon: string): void {
  const locator = requireFromPackage.resolve('@mapbox/node-pre-gyp');
  requireFromPackage(locator);
  const cached = requireFromPackage.cache[locator];
  if (cached !== undefined) cached.exports = { find: () => addon };
}
