import { cpus } from 'node:os';
import { S2sError, UsageError } from '../errors.js';
import { processorFlags } from '../setup/processor.mjs';
import type { Gpu } from './gpus.js';
import type { InstalledLibrary } from './library.js';
import { visibleGpus } from './visible-gpus.js';

/** A device as asked for on the command line. */
export interface Device {
  readonly text: string;
  readonly kind: 'auto' | 'cpu' | 'gpu';
  /** Number of the GPU among those that CUDA_VISIBLE_DEVICES shows, from 0; undefined for the first of them. */
  readonly gpu: number | undefined;
}

/** What the computation runs on. */
export interface SelectedDevice {
  readonly kind: 'cpu' | 'gpu';
  /** For people: `the CPU (AMD EPYC, 2 cores, AVX-512, AVX512-BF16)`. */
  readonly description: string;
  /** The 16-bit number format that it multiplies natively, the better one of two; undefined for none. */
  readonly halfPrecision: 'bfloat16' | 'float16' | undefined;
}

/** The processor. */
export interface Processor {
  readonly model: string;
  readonly cores: number;
  /** Vector units that matter here: `AVX-512`. */
  readonly features: readonly string[];
  readonly bfloat16: boolean;
}

/** Vector units that matter here, by the flags that the system shows. */
const FEATURES: readonly (readonly [flag: string, name: string])[] = [
  ['avx', 'AVX'],
  ['avx2', 'AVX2'],
  ['fma', 'FMA'],
  ['avx512f', 'AVX-512'],
  ['avx512_bf16', 'AVX512-BF16'],
  ['amx_bf16', 'AMX-BF16'],
  ['asimd', 'NEON'],
  ['bf16', 'BF16'],
];

/** Compute capabilities from which on tensor cores multiply a format: float16 since Volta, bfloat16 since Ampere. */
const TENSOR_CORE_CAPABILITY = { float16: 7, bfloat16: 8 } as const;

/**
 * Reads a `--device`.
 *
 * @throws UsageError `unknown-device`
 */
export function parseDevice(text: string): Device {
  if (text === 'auto' || text === 'cpu' || text === 'gpu') return { text, kind: text, gpu: undefined };
  const number = /^gpu:(\d+)$/.exec(text)?.[1];
  if (number === undefined)
    throw new UsageError('unknown-device', `there is no device ${text}`, {
      hint: 'Choose auto, cpu, gpu, or gpu:N with the number of a GPU: gpu:0.',
    });
  return { text, kind: 'gpu', gpu: Number(number) };
}

/**
 * Variables that TensorFlow and CUDA read when they are loaded. What the user has set stays, except that a device asked
 * for is chosen among those that CUDA_VISIBLE_DEVICES shows.
 *
 * @param logLevel what TensorFlow writes to stderr: 0 everything, 2 errors, 3 only what ends the process
 * @param gpus what nvidia-smi lists; needed for a device with a number only
 */
export function environmentFor(
  device: Device,
  logLevel: 0 | 2 | 3,
  present: NodeJS.ProcessEnv,
  gpus: readonly Gpu[] = [],
): NodeJS.ProcessEnv {
  const defaults: NodeJS.ProcessEnv = {
    TF_CPP_MIN_LOG_LEVEL: String(logLevel),
    // Otherwise TensorFlow takes all memory of every GPU at once.
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    // Kernels that are compiled for a GPU newer than the library must all fit, so that they are compiled only once.
    CUDA_CACHE_MAXSIZE: String(4 * 1024 ** 3),
    // GPUs are numbered as nvidia-smi numbers them.
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
  };
  const chosen: NodeJS.ProcessEnv = {};
  if (device.kind === 'cpu') chosen['CUDA_VISIBLE_DEVICES'] = '-1';
  if (device.gpu !== undefined) {
    const isOpen = present['CUDA_VISIBLE_DEVICES'] === undefined && gpus.length === 0;
    const entry = isOpen ? String(device.gpu) : visibleGpus(present, gpus)[device.gpu]?.entry;
    chosen['CUDA_VISIBLE_DEVICES'] = entry ?? '-1';
  }
  return { ...defaults, ...present, ...chosen };
}

/** Describes the processor. */
export function describeProcessor(flags: readonly string[] = processorFlags()): Processor {
  const names = FEATURES.flatMap(([flag, name]) => (flags.includes(flag) ? [name] : []));
  return {
    model: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    features: names,
    bfloat16:
      flags.includes('avx512_bf16') ||
      flags.includes('amx_bf16') ||
      (process.arch === 'arm64' && flags.includes('bf16')),
  };
}

/** What `selectDevice` decides by. */
export interface DeviceFacts {
  readonly library: Pick<InstalledLibrary, 'variant'>;
  /** Whether TensorFlow found a GPU that it can use. */
  readonly usesGpu: boolean;
  /** Before `environmentFor` has changed it. */
  readonly environment: NodeJS.ProcessEnv;
  /** What nvidia-smi lists; called only where a GPU is used or was asked for. */
  readonly gpus: () => readonly Gpu[];
}

/**
 * Describes the device that the loaded library computes on.
 *
 * @throws S2sError `no-gpu`, naming the likely cause, when a GPU was asked for and is not used
 */
export function selectDevice(device: Device, { library, usesGpu, environment, gpus }: DeviceFacts): SelectedDevice {
  if (usesGpu && device.kind !== 'cpu') return describeGpu(device, environment, gpus());
  if (device.kind === 'gpu') throw noGpu(device, library.variant, gpus(), environment);
  const { model, cores, features, bfloat16 } = describeProcessor();
  const notable = features.filter((name) => name !== 'AVX' && name !== 'FMA');
  const parts = [model, `${cores} core${cores === 1 ? '' : 's'}`, ...notable];
  return {
    kind: 'cpu',
    description: `the CPU (${parts.join(', ')})`,
    halfPrecision: bfloat16 ? 'bfloat16' : undefined,
  };
}

function describeGpu(device: Device, environment: NodeJS.ProcessEnv, gpus: readonly Gpu[]): SelectedDevice {
  const { entry, gpu } = visibleGpus(environment, gpus)[device.gpu ?? 0] ?? {};
  if (gpu === undefined) {
    // It is one of them: choose what all of them multiply.
    const capability = Math.min(...gpus.map((each) => each.capability));
    const halfPrecision = gpus.length === 0 ? undefined : halfPrecisionOf({ capability });
    return { kind: 'gpu', description: `GPU ${device.gpu ?? 0}`, halfPrecision };
  }
  const size = entry?.startsWith('MIG-') === true ? `instance ${entry}` : `${Math.round(gpu.memoryMiB / 1024)} GiB`;
  return { kind: 'gpu', description: `GPU ${gpu.index} (${gpu.name}, ${size})`, halfPrecision: halfPrecisionOf(gpu) };
}

/** The better 16-bit format of a GPU's tensor cores: bfloat16 has the range of float32, float16 more digits. */
export function halfPrecisionOf({ capability }: Pick<Gpu, 'capability'>): SelectedDevice['halfPrecision'] {
  if (capability >= TENSOR_CORE_CAPABILITY.bfloat16) return 'bfloat16';
  return capability >= TENSOR_CORE_CAPABILITY.float16 ? 'float16' : undefined;
}

/**
 * Why a GPU that was asked for is not used: the driver, CUDA_VISIBLE_DEVICES, its number, the build of the library, or
 * CUDA's libraries.
 */
export function noGpu(
  device: Device,
  variant: InstalledLibrary['variant'],
  gpus: readonly Gpu[],
  environment: NodeJS.ProcessEnv,
): S2sError {
  const [cause, hint] = causeOf(device, variant, gpus, environment);
  return new S2sError('no-gpu', `--device ${device.text} was asked for, but ${cause}`, { hint });
}

function causeOf(...[device, variant, gpus, environment]: Parameters<typeof noGpu>): [cause: string, hint: string] {
  const visible = visibleGpus(environment, gpus);
  const setting = `CUDA_VISIBLE_DEVICES=${environment['CUDA_VISIBLE_DEVICES']}`;
  if (gpus.length === 0) {
    return [
      'the NVIDIA driver sees no GPU',
      'Install the driver (nvidia-smi must list the GPU), or compute on the CPU with --device cpu.',
    ];
  }
  if (visible.length === 0) {
    const all = gpus.length === 1 ? 'the GPU' : `all ${gpus.length} GPUs`;
    return [`${setting} hides ${all}`, 'Unset CUDA_VISIBLE_DEVICES, or name a GPU in it; s2s doctor lists them.'];
  }
  if (device.gpu !== undefined && device.gpu >= visible.length) {
    const count = visible.length === 1 ? 'is one GPU' : `are ${visible.length} GPUs`;
    const where = visible.length < gpus.length ? ` in ${setting}` : '';
    return [`there ${count}${where}, numbered from 0`, 'Choose another number; s2s doctor lists them.'];
  }
  if (variant === 'cpu')
    return ['the installed TensorFlow is the build without CUDA', 'Install the other one: s2s setup --cuda'];
  const hint = 'TF_CPP_MIN_LOG_LEVEL=0 s2s doctor shows what is missing; s2s setup --cuda installs it.';
  return ['TensorFlow could not use its CUDA libraries', hint];
}
