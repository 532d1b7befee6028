import { createRequire } from 'node:module';
import { S2sError } from '../errors.js';
import { opsAreOffered } from '../setup/addons.mjs';
import {
  describeProcessor,
  environmentFor,
  parseDevice,
  selectDevice,
  type Device,
  type SelectedDevice,
} from './device.js';
import { listGpus } from './gpus.js';
import { chooseLibrary, type InstalledLibrary } from './library.js';
import { PORTABLE_POLICY, type ComputePolicy, type Precision } from './policy.js';
import { setTensorFlow, tf } from './tf.js';
import { loadTfjs } from './tfjs.js';
import { gpuIsVisible } from './visible-gpus.js';

/** What was loaded, and what it computes on. */
export interface LoadedRuntime extends SelectedDevice {
  readonly library: InstalledLibrary;
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
  /** See `TensorFlowOptions`. Does nothing without the custom ops. */
  readonly tuneAllocator: () => void;
}

/** Options of `loadTensorFlow`. */
export interface TensorFlowOptions {
  /** `auto` (the default), `cpu`, `gpu` or `gpu:N`, N counting the GPUs that CUDA_VISIBLE_DEVICES shows. */
  readonly device?: string;
  /** Lets TensorFlow write to stderr while it is loaded; no effect afterwards. */
  readonly verbose?: boolean;
  /**
   * Sets up malloc for training, in the whole process and for its remaining life: one heap for all threads, which keeps
   * freed memory instead of giving it back to the system after every step. Training is faster (a page fault for every
   * 4 KiB is saved) and the process stays as large as its largest batch. The command line does it; a program that does
   * other work, too, should decide for itself. False by default.
   */
  readonly tuneAllocator?: boolean;
}

/** What the first call was asked for. */
interface FirstCall {
  readonly device: Device;
  /** Whether `auto` would have found a GPU. */
  readonly gpuWasVisible: boolean;
}

let loaded: LoadedRuntime | undefined;
let first: FirstCall | undefined;
let loading: Promise<LoadedRuntime> | undefined;

const require = createRequire(import.meta.url);

/**
 * Loads the native library, once in a process: some 0.3 s and 360 MB of resident memory. Later calls return what the first
 * one loaded; what they leave unspecified is not compared.
 *
 * What it changes in the whole process: the environment variables of `environmentFor`, which TensorFlow and CUDA read and
 * child processes inherit, and, with `tuneAllocator`, malloc.
 *
 * @throws S2sError `no-native-library` before `s2s setup`; `no-gpu` when a GPU is asked for and cannot be used;
 *   `wrong-tfjs-version`; `already-loaded` when an earlier call chose another device
 */
export async function loadTensorFlow(options: TensorFlowOptions = {}): Promise<LoadedRuntime> {
  const device = parseDevice(options.device ?? 'auto');
  loading ??= load(device, options).finally(() => {
    // A call after a failure tries again.
    if (loaded === undefined) loading = undefined;
  });
  const runtime = await loading;
  checkSameOptions(options, device, runtime);
  if (options.tuneAllocator === true) runtime.tuneAllocator();
  return runtime;
}

async function load(device: Device, options: TensorFlowOptions): Promise<LoadedRuntime> {
  const environment = { ...process.env };
  first = { device, gpuWasVisible: gpuIsVisible(environment) };
  const library = chooseLibrary(device.text);
  const verbose = options.verbose === true || Number(process.env['TF_CPP_MIN_LOG_LEVEL'] ?? '2') < 2;
  if (library.variant !== 'package') checkProcessor();
  // To the build with CUDA, having no GPU is an error; it is one to the user only where a GPU was to be used.
  const withoutGpu = device.kind === 'cpu' || (device.kind === 'auto' && !first.gpuWasVisible);
  const gpus = device.gpu === undefined ? [] : listGpus(environment);
  Object.assign(process.env, environmentFor(device, verbose ? 0 : withoutGpu ? 3 : 2, environment, gpus));
  openLibrary(library, verbose);
  setTensorFlow(loadTfjs(library.addon));
  await tf.ready();
  const { isUsingGpuDevice: usesGpu } = tf.backend() as unknown as { isUsingGpuDevice: boolean };
  const selected = selectDevice(device, { library, usesGpu, environment, gpus: () => listGpus(environment) });
  loaded = { library, ...selected, ...loadCustomOps(library) };
  return loaded;
}

/** Refuses what would need another runtime than the loaded one. */
function checkSameOptions({ device: asked }: TensorFlowOptions, device: Device, runtime: LoadedRuntime): void {
  if (asked !== undefined && first !== undefined && !isSameDevice(device, runtime, first)) {
    const present = `for ${first.device.text}: ${runtime.description}`;
    throw new S2sError('already-loaded', `device ${asked} was asked for, but TensorFlow is already loaded ${present}`, {
      hint: 'A process computes on one device: ask for the same again, or use another process.',
    });
  }
}

/** Whether a later call would have chosen the same device. */
export function isSameDevice(
  { kind, gpu }: Device,
  runtime: Pick<SelectedDevice, 'kind'>,
  earlier: FirstCall,
): boolean {
  const { device, gpuWasVisible } = earlier;
  if (kind === 'cpu') return runtime.kind === 'cpu';
  const isSameGpu = runtime.kind === 'gpu' && (gpu ?? 0) === (device.gpu ?? 0);
  return isSameGpu || (kind === 'auto' && runtime.kind === 'cpu' && (device.kind === 'auto' || !gpuWasVisible));
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
export function choosePrecision(
  asked: 'auto' | Precision,
  { kind, halfPrecision, description }: SelectedDevice,
): Precision {
  if (asked === 'auto') return halfPrecision ?? 'float32';
  if (asked === 'bfloat16' && kind === 'gpu' && halfPrecision !== 'bfloat16') {
    throw new S2sError(
      'no-such-precision',
      `precision bfloat16 was asked for, but ${description} does not multiply it`,
      { hint: 'Use precision: auto, float16 or float32.' },
    );
  }
  if (asked === 'float16' && kind === 'cpu') {
    throw new S2sError(
      'no-such-precision',
      `precision float16 was asked for, but it is for GPUs, and this computes on ${description}`,
      { hint: 'Use precision: auto, bfloat16 or float32.' },
    );
  }
  return asked;
}

/**
 * How a model computes on the loaded runtime.
 *
 * @param asked the `precision` setting of the model, see `choosePrecision`
 * @throws S2sError `no-such-precision`
 */
export function policyFor(asked: 'auto' | Precision = 'float32'): ComputePolicy {
  if (loaded === undefined || tf.getBackend() !== 'tensorflow') return PORTABLE_POLICY;
  const { kind, customOps, customProducts } = loaded;
  const kernels = kind === 'gpu' ? 'fused' : customOps ? 'custom' : 'plain';
  return { kernels, precision: choosePrecision(asked, loaded), customProducts };
}

/** Device and number format for people: `the CPU (AMD EPYC, 2 cores, AVX2) in bfloat16, which it emulates`. */
export function describeRuntime(
  { description, halfPrecision }: Pick<LoadedRuntime, 'description' | 'halfPrecision'>,
  { precision }: Pick<ComputePolicy, 'precision'>,
): string {
  return `${description} in ${precision}${precision === 'bfloat16' && halfPrecision === undefined ? ', which has no units for it: no faster than float32' : ''}`;
}

/** TensorFlow ends the process, without a word that a program could catch, on a processor that it was not compiled for. */
function checkProcessor(): void {
  const { model, features } = describeProcessor();
  if (process.arch === 'x64' && process.platform === 'linux' && !features.includes('AVX')) {
    throw new S2sError('processor-too-old', `TensorFlow needs a processor with AVX, which ${model} does not have`, {
      hint: "In a virtual machine, let it see the host's processor.",
    });
  }
}

/** Opens the library before the addon does, so that its start-up lines stay off stderr. */
function openLibrary(library: InstalledLibrary, verbose: boolean): void {
  if (verbose || library.quietLoad === undefined || library.sharedObject === undefined) return;
  const { quietLoad } = require(library.quietLoad) as { quietLoad: (path: string) => string | undefined };
  const reason = quietLoad(library.sharedObject);
  if (reason !== undefined)
    throw new S2sError('library-not-loaded', `TensorFlow could not be loaded: ${reason}`, {
      hint: 'Run s2s doctor; if the file is damaged, remove its folder and run s2s setup.',
    });
}

/** What the library of custom ops gives. */
type CustomOps = Pick<
  LoadedRuntime,
  'customOps' | 'customProducts' | 'withoutCustomOps' | 'releaseMemory' | 'tuneAllocator'
>;

/** Registers the custom ops with the loaded TensorFlow: the static initialisers of their library do it. */
function loadCustomOps({ customOps, variant }: InstalledLibrary): CustomOps {
  const none = {
    customOps: false,
    customProducts: false,
    releaseMemory: () => undefined,
    tuneAllocator: () => undefined,
  };
  if (customOps === undefined) {
    return {
      ...none,
      withoutCustomOps:
        variant === 'package' || !opsAreOffered()
          ? 'there are none for this library'
          : 'not compiled for this version of s2s and this processor; s2s setup compiles them',
    };
  }
  try {
    const addon = require(customOps) as Pick<CustomOps, 'releaseMemory' | 'tuneAllocator'> & {
      multipliesFloats: boolean;
    };
    const { releaseMemory, tuneAllocator, multipliesFloats } = addon;
    return {
      customOps: true,
      customProducts: multipliesFloats,
      withoutCustomOps: undefined,
      releaseMemory,
      tuneAllocator,
    };
  } catch (error) {
    return { ...none, withoutCustomOps: error instanceof Error ? error.message : String(error) };
  }
}
