import { createRequire } from 'node:module';
import { S2sError } from '../errors.js';
import { customOpsSupported } from '../setup/addons.mjs';
import { bfloat16Aborts } from '../setup/hardware.mjs';
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
import { prepareOps } from './ops/execute.js';
import { PORTABLE_POLICY, type ComputePolicy, type Precision } from './policy.js';
import { setTensorFlow, tf } from './tf.js';
import { loadTfjs } from './tfjs.js';
import { gpuIsVisible } from './visible-gpus.js';

/** The loaded native library and its device. */
export interface LoadedRuntime extends SelectedDevice {
  readonly library: InstalledLibrary;
  /** Whether the custom ops are registered. */
  readonly customOps: boolean;
  /** Whether the custom float32 matrix products are faster than TensorFlow's on this processor. */
  readonly customProducts: boolean;
  /** Why the custom ops are not registered; undefined when they are. */
  readonly noCustomOpsReason: string | undefined;
  /**
   * Returns free heap memory to the operating system (`malloc_trim`). Batches differ in shape, so the heap would
   * otherwise fragment over thousands of steps. Does nothing without the custom ops.
   */
  readonly releaseMemory: () => void;
  /** Applies `TensorFlowOptions.tuneAllocator`. Does nothing without the custom ops. */
  readonly tuneAllocator: () => void;
}

/** Options of `loadTensorFlow`. */
export interface TensorFlowOptions {
  /** `auto` (the default), `cpu`, `gpu`, or `gpu:N`: index N among the GPUs visible through CUDA_VISIBLE_DEVICES. */
  readonly device?: string;
  /** Whether TensorFlow may log to stderr while it is loaded. Has no effect on later calls. */
  readonly verbose?: boolean;
  /**
   * Whether to tune malloc for training, for the whole process and until it exits: all threads share one heap, which
   * keeps freed memory instead of returning it to the operating system after every step. Training is faster, because it
   * avoids one page fault per 4 KiB, but the process stays as large as its largest batch needs. The command line sets
   * this. False by default.
   */
  readonly tuneAllocator?: boolean;
}

/** The device that the first call requested. */
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
 * Loads the native library once per process, in about 0.3 s and 360 MB of resident memory. Later calls return the
 * runtime that the first call loaded.
 *
 * Changes the whole process: it sets the environment variables of `environmentFor`, which TensorFlow and CUDA read and
 * child processes inherit, and with `tuneAllocator` the parameters of malloc.
 *
 * @throws S2sError `no-native-library` before `s2s setup`; `no-gpu` when a requested GPU cannot be used;
 *   `wrong-tfjs-version`; `already-loaded` when an earlier call chose another device
 */
export async function loadTensorFlow(options: TensorFlowOptions = {}): Promise<LoadedRuntime> {
  const device = parseDevice(options.device ?? 'auto');
  loading ??= load(device, options).finally(() => {
    // After a failure, the next call tries again.
    if (loaded === undefined) loading = undefined;
  });
  const runtime = await loading;
  checkSameDevice(options, device, runtime);
  if (options.tuneAllocator === true) runtime.tuneAllocator();
  return runtime;
}

async function load(device: Device, options: TensorFlowOptions): Promise<LoadedRuntime> {
  const environment = { ...process.env };
  first = { device, gpuWasVisible: gpuIsVisible(environment) };
  const library = chooseLibrary(device.text);
  const verbose = options.verbose === true || Number(process.env['TF_CPP_MIN_LOG_LEVEL'] ?? '2') < 2;
  if (library.variant !== 'package') checkProcessor();
  // The CUDA build logs an error when it finds no GPU. Without a GPU to use, that error is only noise.
  const withoutGpu = device.kind === 'cpu' || (device.kind === 'auto' && !first.gpuWasVisible);
  const gpus = device.gpu === undefined ? [] : listGpus(environment);
  Object.assign(process.env, environmentFor(device, verbose ? 0 : withoutGpu ? 3 : 2, environment, gpus));
  openLibrary(library, verbose);
  setTensorFlow(loadTfjs(library.addon));
  await tf.ready();
  const { isUsingGpuDevice: usesGpu } = tf.backend() as unknown as { isUsingGpuDevice: boolean };
  const selected = selectDevice(device, { library, usesGpu, environment, gpus: () => listGpus(environment) });
  loaded = { library, ...selected, ...loadCustomOps(library) };
  prepareOps();
  return loaded;
}

/** Throws when the options require another device than the loaded one. An omitted device matches any. */
function checkSameDevice({ device: requested }: TensorFlowOptions, device: Device, runtime: LoadedRuntime): void {
  if (requested === undefined || first === undefined || isSameDevice(device, runtime, first)) return;
  const current = `for ${first.device.text}: ${runtime.description}`;
  throw new S2sError('already-loaded', `cannot use device ${requested}: TensorFlow is already loaded ${current}`, {
    hint: 'A process computes on one device: request the same device, or start another process.',
  });
}

/** Whether a request for a device resolves to the device that the first call chose. */
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

/** The loaded runtime; undefined before `loadTensorFlow`. */
export function loadedRuntime(): LoadedRuntime | undefined {
  return loaded;
}

/**
 * Resolves the `precision` setting to a dtype. `auto` selects the 16-bit dtype that the device multiplies natively, or
 * float32 where it has none. A CPU without bfloat16 instructions emulates bfloat16, with the same rounding and no
 * faster than float32.
 *
 * @throws S2sError `no-such-precision` for bfloat16 on a GPU without bfloat16 tensor cores or on a CPU that the user has
 *   limited to AVX2, and for float16 on a CPU
 */
export function choosePrecision(
  requested: 'auto' | Precision,
  { kind, halfPrecision, description }: SelectedDevice,
): Precision {
  if (requested === 'auto') return halfPrecision ?? 'float32';
  if (requested === 'bfloat16' && kind === 'gpu' && halfPrecision !== 'bfloat16') {
    throw new S2sError(
      'no-such-precision',
      `precision bfloat16 is not supported by ${description}, which has no tensor cores for it`,
      { hint: 'Use precision: auto, float16 or float32.' },
    );
  }
  if (requested === 'bfloat16' && kind === 'cpu' && bfloat16Aborts()) {
    throw new S2sError(
      'no-such-precision',
      'precision bfloat16 does not work with ONEDNN_MAX_CPU_ISA=AVX2 on a processor with AVX-512',
      { hint: 'Use precision: float32, or unset ONEDNN_MAX_CPU_ISA.' },
    );
  }
  if (requested === 'float16' && kind === 'cpu') {
    throw new S2sError(
      'no-such-precision',
      `precision float16 is only supported on GPUs, and the device is ${description}`,
      { hint: 'Use precision: auto, bfloat16 or float32.' },
    );
  }
  return requested;
}

/**
 * The compute policy of a model on the loaded runtime; the portable policy when the native backend is not loaded.
 *
 * @param requested the `precision` setting of the model, see `choosePrecision`
 * @throws S2sError `no-such-precision`
 */
export function policyFor(requested: 'auto' | Precision = 'float32'): ComputePolicy {
  if (loaded === undefined || tf.getBackend() !== 'tensorflow') return PORTABLE_POLICY;
  const { kind, customOps, customProducts } = loaded;
  const kernels = kind === 'gpu' ? 'fused' : customOps ? 'custom' : 'plain';
  return { kernels, precision: choosePrecision(requested, loaded), customProducts };
}

/** Human-readable device and dtype: `the CPU (AMD EPYC, 2 cores, AVX2) in float32`. */
export function describeRuntime(
  { description, halfPrecision }: Pick<LoadedRuntime, 'description' | 'halfPrecision'>,
  { precision }: Pick<ComputePolicy, 'precision'>,
): string {
  const isEmulated = precision === 'bfloat16' && halfPrecision === undefined;
  const note = isEmulated ? ', which it emulates: no faster than float32' : '';
  return `${description} in ${precision}${note}`;
}

/** TensorFlow aborts the process on a processor without AVX, so this throws first. */
function checkProcessor(): void {
  const { model, features } = describeProcessor();
  if (process.arch === 'x64' && process.platform === 'linux' && !features.includes('AVX')) {
    throw new S2sError('processor-too-old', `TensorFlow needs a processor with AVX, and ${model} has none`, {
      hint: "In a virtual machine, pass the host's CPU features through (QEMU: -cpu host).",
    });
  }
}

/** Opens the shared library before the addon does, to keep its start-up log lines off stderr. */
function openLibrary(library: InstalledLibrary, verbose: boolean): void {
  if (verbose || library.quietLoad === undefined || library.sharedObject === undefined) return;
  const { quietLoad } = require(library.quietLoad) as { quietLoad: (path: string) => string | undefined };
  const reason = quietLoad(library.sharedObject);
  if (reason !== undefined)
    throw new S2sError('library-not-loaded', `TensorFlow could not be loaded: ${reason}`, {
      hint: 'Run s2s doctor; if the file is damaged, remove its folder and run s2s setup.',
    });
}

/** What the addon with the custom ops provides. */
type CustomOps = Pick<
  LoadedRuntime,
  'customOps' | 'customProducts' | 'noCustomOpsReason' | 'releaseMemory' | 'tuneAllocator'
>;

/** Registers the custom ops with TensorFlow: loading their addon runs the static initialisers that do it. */
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
      noCustomOpsReason:
        variant === 'package' || !customOpsSupported()
          ? 'this build of TensorFlow does not support them'
          : 'they are not compiled for this version of s2s and this processor; run s2s setup',
    };
  }
  try {
    const addon = require(customOps) as Pick<CustomOps, 'releaseMemory' | 'tuneAllocator'> & {
      hasFasterFloat32MatMul: boolean;
    };
    const { releaseMemory, tuneAllocator, hasFasterFloat32MatMul } = addon;
    return {
      customOps: true,
      customProducts: hasFasterFloat32MatMul,
      noCustomOpsReason: undefined,
      releaseMemory,
      tuneAllocator,
    };
  } catch (error) {
    return { ...none, noCustomOpsReason: error instanceof Error ? error.message : String(error) };
  }
}
