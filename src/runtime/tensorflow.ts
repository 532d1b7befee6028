import { createRequire } from 'node:module';
import type * as tfTypes from '@tensorflow/tfjs-node-gpu';
import { S2sError } from '../errors.js';
import { opsAreOffered } from '../setup/addons.mjs';
import { nvidiaGpuIsPresent } from '../setup/nvidia.mjs';
import { describeProcessor, environmentFor, parseDevice, selectDevice, type SelectedDevice } from './device.js';
import { chooseLibrary, type InstalledLibrary } from './library.js';

type TensorFlow = typeof tfTypes;

/** Number format of large matrix products. */
export type Precision = 'float32' | 'bfloat16' | 'float16';

/** TensorFlow as tfjs offers it. A live binding, set by `loadTensorFlow`: importing this module loads nothing. */
export let tf: TensorFlow;

/** What was loaded, and what it computes on. */
export interface LoadedRuntime extends SelectedDevice {
  readonly library: InstalledLibrary;
  /** What large matrix products in training compute in. */
  readonly precision: Precision;
  /** Whether the custom ops are registered. */
  readonly customOps: boolean;
  /** Whether their float32 products are faster than TensorFlow's on this processor. */
  readonly customProducts: boolean;
  /** Why they are not registered. */
  readonly withoutCustomOps: string | undefined;
  /**
   * Gives memory that is free, but kept by the allocator for the next tensors, back to the system: they differ in size from
   * batch to batch, and the gaps between them would grow for thousands of steps. Does nothing without the custom ops.
   */
  readonly releaseMemory: () => void;
}

let loaded: LoadedRuntime | undefined;

const require = createRequire(import.meta.url);

/**
 * Loads the native library, once a process: some 0.3 s and 360 MB of resident memory. Later calls return what the first
 * one loaded.
 *
 * @param options.device `auto`, `cpu`, `gpu` or `gpu:N`
 * @param options.precision see `choosePrecision`; float32 when not given
 * @param options.verbose lets TensorFlow tell on stderr what it does while it is loaded
 * @throws S2sError `no-native-library` before `s2s setup`; `no-gpu` when a GPU is asked for and cannot be used;
 *   `no-such-precision` when the device cannot compute in it
 */
export async function loadTensorFlow(options: { device?: string; precision?: 'auto' | Precision; verbose?: boolean } = {}): Promise<LoadedRuntime> {
  if (loaded !== undefined) return loaded;
  const device = parseDevice(options.device ?? 'auto');
  const library = chooseLibrary(device.text);
  const verbose = options.verbose === true || Number(process.env['TF_CPP_MIN_LOG_LEVEL'] ?? '2') < 2;
  if (library.variant !== 'package') checkProcessor();
  // That there is no GPU is an error to the build with CUDA only where one was to be used.
  const withoutGpu = device.kind === 'cpu' || (device.kind === 'auto' && !nvidiaGpuIsPresent());
  Object.assign(process.env, environmentFor(device, verbose ? 0 : withoutGpu ? 3 : 2, process.env));
  restoreRemovedFunction();
  openLibrary(library, verbose);
  pointToAddon(library.addon);
  tf = require('@tensorflow/tfjs-node-gpu') as TensorFlow;
  await tf.ready();
  const { isUsingGpuDevice: usesGpu } = tf.backend() as unknown as { isUsingGpuDevice: boolean };
  const selected = selectDevice(device, library, usesGpu);
  loaded = { library, ...selected, precision: choosePrecision(options.precision ?? 'float32', selected), ...loadCustomOps(library) };
  return loaded;
}

/** The runtime that was loaded, if any. */
export function loadedRuntime(): LoadedRuntime | undefined {
  return loaded;
}

/**
 * The number format to compute in: `auto` takes the 16-bit one that the device multiplies natively, float32 where there is
 * none. A processor without bfloat16 units computes in it all the same, with the same rounding and no faster than in float32.
 *
 * @throws S2sError `no-such-precision` for bfloat16 on a GPU that has none, and for float16 on a processor
 */
export function choosePrecision(asked: 'auto' | Precision, { kind, halfPrecision, description }: SelectedDevice): Precision {
  if (asked === 'auto') return halfPrecision ?? 'float32';
  if (asked === 'bfloat16' && kind === 'gpu' && halfPrecision !== 'bfloat16') {
    throw new S2sError('no-such-precision', `precision bfloat16 was asked for, but ${description} does not multiply it`, { hint: 'Use precision: auto, float16 or float32.' });
  }
  if (asked === 'float16' && kind === 'cpu') {
    throw new S2sError('no-such-precision', `precision float16 was asked for, but it is for GPUs, and this computes on ${description}`, { hint: 'Use precision: auto, bfloat16 or float32.' });
  }
  return asked;
}

/** Device and number format for people: `the CPU (AMD EPYC, 2 cores, AVX2) in bfloat16, which it emulates`. */
export function describeRuntime({ description, precision, halfPrecision }: Pick<LoadedRuntime, 'description' | 'precision' | 'halfPrecision'>): string {
  return `${description} in ${precision}${precision === 'bfloat16' && halfPrecision === undefined ? ', which has no units for it: no faster than float32' : ''}`;
}

/** TensorFlow ends the process, without a word that a program could catch, on a processor that it was not compiled for. */
function checkProcessor(): void {
  const { model, features } = describeProcessor();
  if (process.arch === 'x64' && process.platform === 'linux' && !features.includes('AVX')) {
    throw new S2sError('processor-too-old', `TensorFlow needs a processor with AVX, which ${model} does not have`, { hint: 'In a virtual machine, let it see the host\'s processor.' });
  }
}

/**
 * tfjs-node 4.22 calls `util.isNullOrUndefined` and `util.isArray`, which Node 22 warns of and Node 23 removed
 * (tensorflow/tfjs issue 8609).
 */
function restoreRemovedFunction(): void {
  const util = require('node:util') as { isNullOrUndefined: (value: unknown) => boolean; isArray: (value: unknown) => boolean };
  util.isNullOrUndefined = (value) => value === null || value === undefined;
  util.isArray = Array.isArray;
}

/** Opens the library before the addon does, so that its start-up lines stay off stderr. */
function openLibrary(library: InstalledLibrary, verbose: boolean): void {
  if (verbose || library.quietLoad === undefined || library.sharedObject === undefined) return;
  const { quietLoad } = require(library.quietLoad) as { quietLoad: (path: string) => string | undefined };
  const reason = quietLoad(library.sharedObject);
  if (reason !== undefined) throw new S2sError('library-not-loaded', `TensorFlow could not be loaded: ${reason}`, { hint: 'Run s2s doctor; if the file is damaged, remove its folder and run s2s setup.' });
}

/** Answers tfjs's question for its addon, which it asks of node-pre-gyp, with ours: nothing is written into node_modules. */
function pointToAddon(addon: string): void {
  const requireFromPackage = createRequire(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  const locator = requireFromPackage.resolve('@mapbox/node-pre-gyp');
  // The locator itself is not loaded: it takes a third of the time that all of tfjs takes.
  const stand = { exports: { find: () => addon }, loaded: true, id: locator, filename: locator, children: [], paths: [], path: locator, parent: null, isPreloading: false, require };
  requireFromPackage.cache[locator] = stand as unknown as NodeJS.Module;
}

/** Registers the custom ops with the loaded TensorFlow: the static initialisers of their library do it. */
function loadCustomOps({ customOps, variant }: InstalledLibrary): Pick<LoadedRuntime, 'customOps' | 'customProducts' | 'withoutCustomOps' | 'releaseMemory'> {
  const none = { customOps: false, customProducts: false, releaseMemory: () => undefined };
  if (customOps === undefined) {
    return { ...none, withoutCustomOps: variant === 'package' || !opsAreOffered() ? 'there are none for this library' : 'not compiled for this version of s2s and this processor; s2s setup compiles them' };
  }
  try {
    const { releaseMemory, multipliesFloats } = require(customOps) as Pick<LoadedRuntime, 'releaseMemory'> & { multipliesFloats: boolean };
    return { customOps: true, customProducts: multipliesFloats, withoutCustomOps: undefined, releaseMemory };
  } catch (error) {
    return { ...none, withoutCustomOps: error instanceof Error ? error.message : String(error) };
  }
}
