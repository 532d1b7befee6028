import { cpus } from 'node:os';
import { S2sError, UsageError } from '../errors.js';
import { plural } from '../plural.js';
import { processorFlags } from '../setup/hardware.mjs';
import type { Gpu } from './gpus.js';
import type { InstalledLibrary } from './library.js';
import { visibleGpus } from './visible-gpus.js';

/** A device as requested on the command line. */
export interface Device {
  readonly text: string;
  readonly kind: 'auto' | 'cpu' | 'gpu';
  /** Index from 0 among the GPUs visible through CUDA_VISIBLE_DEVICES; undefined for the first. */
  readonly gpu: number | undefined;
}

/** The device that computes. */
export interface SelectedDevice {
  readonly kind: 'cpu' | 'gpu';
  /** Human-readable: `the CPU (AMD EPYC, 2 cores, AVX-512, AVX512-BF16)`. */
  readonly description: string;
  /** The 16-bit dtype that it multiplies natively, bfloat16 preferred; undefined if it has none. */
  readonly halfPrecision: 'bfloat16' | 'float16' | undefined;
}

/** The CPU. */
export interface Processor {
  readonly model: string;
  readonly cores: number;
  /** SIMD instruction sets that matter here: `AVX-512`. */
  readonly features: readonly string[];
  /** Whether it has bfloat16 dot-product instructions. */
  readonly bfloat16: boolean;
}

/** SIMD instruction sets by their flag in /proc/cpuinfo. */
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

/** Lowest compute capability whose tensor cores multiply each dtype: Volta for float16, Ampere for bfloat16. */
const TENSOR_CORE_CAPABILITY = { float16: 7, bfloat16: 8 } as const;

/**
 * Parses the value of `--device`.
 *
 * @throws UsageError `unknown-device`
 */
export function parseDevice(text: string): Device {
  if (text === 'auto' || text === 'cpu' || text === 'gpu') return { text, kind: text, gpu: undefined };
  const number = /^gpu:(\d+)$/.exec(text)?.[1];
  if (number === undefined)
    throw new UsageError('unknown-device', `unknown device ${text}`, {
      hint: 'Choose auto, cpu, gpu, or gpu:N with the index of a GPU: gpu:0.',
    });
  return { text, kind: 'gpu', gpu: Number(number) };
}

/**
 * The environment variables that TensorFlow and CUDA read when they are loaded. Variables that the user has set are
 * kept, except that `cpu` and `gpu:N` narrow CUDA_VISIBLE_DEVICES.
 *
 * @param logLevel TensorFlow's log level on stderr: 0 everything, 2 errors, 3 fatal errors only
 * @param gpus GPUs listed by nvidia-smi; needed only for `gpu:N`
 */
export function environmentFor(
  device: Device,
  logLevel: 0 | 2 | 3,
  present: NodeJS.ProcessEnv,
  gpus: readonly Gpu[] = [],
): NodeJS.ProcessEnv {
  const defaults: NodeJS.ProcessEnv = {
    TF_CPP_MIN_LOG_LEVEL: String(logLevel),
    // By default TensorFlow allocates all memory of every GPU at start.
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    // On a GPU newer than the library, all JIT-compiled kernels must fit into the cache, or they are compiled again.
    CUDA_CACHE_MAXSIZE: String(4 * 1024 ** 3),
    // The numbering of nvidia-smi.
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

/** Describes the CPU by its model, core count and SIMD instruction sets. */
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

/** Inputs of `selectDevice`. */
export interface DeviceFacts {
  readonly library: Pick<InstalledLibrary, 'variant'>;
  /** Whether TensorFlow found a GPU that it can use. */
  readonly usesGpu: boolean;
  /** The environment before `environmentFor` is applied. */
  readonly environment: NodeJS.ProcessEnv;
  /** GPUs listed by nvidia-smi; called only when a GPU is used or was requested. */
  readonly gpus: () => readonly Gpu[];
}

/**
 * Describes the device that the loaded library computes on.
 *
 * @throws S2sError `no-gpu` with the likely cause, when a requested GPU is not used
 */
export function selectDevice(device: Device, { library, usesGpu, environment, gpus }: DeviceFacts): SelectedDevice {
  if (usesGpu && device.kind !== 'cpu') return describeGpu(device, environment, gpus());
  if (device.kind === 'gpu') throw noGpu(device, library.variant, gpus(), environment);
  const { model, cores, features, bfloat16 } = describeProcessor();
  const notable = features.filter((name) => name !== 'AVX' && name !== 'FMA');
  const parts = [model, plural(cores, 'core'), ...notable];
  return {
    kind: 'cpu',
    description: `the CPU (${parts.join(', ')})`,
    halfPrecision: bfloat16 ? 'bfloat16' : undefined,
  };
}

function describeGpu(device: Device, environment: NodeJS.ProcessEnv, gpus: readonly Gpu[]): SelectedDevice {
  const { entry, gpu } = visibleGpus(environment, gpus)[device.gpu ?? 0] ?? {};
  if (gpu === undefined) {
    // It is not known which GPU this is: choose a dtype that all of them support.
    const capability = Math.min(...gpus.map((each) => each.capability));
    const halfPrecision = gpus.length === 0 ? undefined : halfPrecisionOf({ capability });
    return { kind: 'gpu', description: `GPU ${device.gpu ?? 0}`, halfPrecision };
  }
  const size = entry?.startsWith('MIG-') === true ? `instance ${entry}` : `${Math.round(gpu.memoryMiB / 1024)} GiB`;
  return { kind: 'gpu', description: `GPU ${gpu.index} (${gpu.name}, ${size})`, halfPrecision: halfPrecisionOf(gpu) };
}

/** The 16-bit dtype of a GPU's tensor cores; bfloat16 is preferred, because it has the exponent range of float32. */
export function halfPrecisionOf({ capability }: Pick<Gpu, 'capability'>): SelectedDevice['halfPrecision'] {
  if (capability >= TENSOR_CORE_CAPABILITY.bfloat16) return 'bfloat16';
  return capability >= TENSOR_CORE_CAPABILITY.float16 ? 'float16' : undefined;
}

/**
 * The error for a requested GPU that cannot be used. Its cause is the driver, CUDA_VISIBLE_DEVICES, an index out of
 * range, a TensorFlow build without CUDA, or missing CUDA libraries.
 */
export function noGpu(
  device: Device,
  variant: InstalledLibrary['variant'],
  gpus: readonly Gpu[],
  environment: NodeJS.ProcessEnv,
): S2sError {
  const [cause, hint] = causeOf(device, variant, gpus, environment);
  return new S2sError('no-gpu', `cannot use --device ${device.text}: ${cause}`, { hint });
}

function causeOf(...[device, variant, gpus, environment]: Parameters<typeof noGpu>): [cause: string, hint: string] {
  const visible = visibleGpus(environment, gpus);
  const setting = `CUDA_VISIBLE_DEVICES=${environment['CUDA_VISIBLE_DEVICES']}`;
  if (gpus.length === 0) {
    return [
      'the NVIDIA driver reports no GPU',
      'Install the driver (nvidia-smi must list the GPU), or compute on the CPU with --device cpu.',
    ];
  }
  if (visible.length === 0) {
    const all = gpus.length === 1 ? 'the GPU' : `all ${gpus.length} GPUs`;
    return [`${setting} hides ${all}`, 'Unset CUDA_VISIBLE_DEVICES, or name a GPU in it; s2s doctor lists them.'];
  }
  if (device.gpu !== undefined && device.gpu >= visible.length) {
    const where = visible.length < gpus.length ? ` with ${setting}` : '';
    const count = `only ${plural(visible.length, 'GPU')} visible${where}, numbered from 0`;
    return [count, 'Choose another index; s2s doctor lists the GPUs.'];
  }
  if (variant === 'cpu')
    return ['the installed TensorFlow is the build without CUDA', 'Install the CUDA build: s2s setup --cuda'];
  const hint = 'TF_CPP_MIN_LOG_LEVEL=0 s2s doctor shows what is missing; s2s setup --cuda installs it.';
  return ['TensorFlow could not use its CUDA libraries', hint];
}
