import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { S2sError, UsageError } from '../errors.js';
import { processorFlags } from '../setup/processor.mjs';
import type { InstalledLibrary } from './library.js';

/** A device as asked for on the command line. */
export interface Device {
  readonly text: string;
  readonly kind: 'auto' | 'cpu' | 'gpu';
  /** Number of the GPU, as nvidia-smi counts; undefined for any. */
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

/** A GPU as the driver describes it. */
export interface Gpu {
  readonly index: number;
  readonly name: string;
  readonly memoryMiB: number;
  /** Compute capability, such as 9.0. */
  readonly capability: number;
  readonly driver: string;
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
  if (number === undefined) throw new UsageError('unknown-device', `there is no device ${text}`, { hint: 'Choose auto, cpu, gpu, or gpu:N with the number of a GPU: gpu:0.' });
  return { text, kind: 'gpu', gpu: Number(number) };
}

/**
 * Variables that TensorFlow and CUDA read when they are loaded. Those that the user has set stay, but that a device asked
 * for is chosen among those that CUDA_VISIBLE_DEVICES allows.
 *
 * @param logLevel what TensorFlow tells on stderr: everything, errors, or nothing but its end
 */
export function environmentFor(device: Device, logLevel: 0 | 2 | 3, present: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const defaults: NodeJS.ProcessEnv = {
    TF_CPP_MIN_LOG_LEVEL: String(logLevel),
    // Else TensorFlow takes all memory of every GPU at once.
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    // Room for the kernels that are compiled when a GPU is newer than the library, so that it happens once.
    CUDA_CACHE_MAXSIZE: String(4 * 1024 ** 3),
    // GPUs are numbered as nvidia-smi numbers them.
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
  };
  const chosen: NodeJS.ProcessEnv = {};
  if (device.kind === 'cpu') chosen['CUDA_VISIBLE_DEVICES'] = '-1';
  if (device.gpu !== undefined) {
    const visible = present['CUDA_VISIBLE_DEVICES']?.split(',').map((entry) => entry.trim());
    chosen['CUDA_VISIBLE_DEVICES'] = visible === undefined ? String(device.gpu) : (visible[device.gpu] ?? '-1');
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
    bfloat16: flags.includes('avx512_bf16') || flags.includes('amx_bf16') || (process.arch === 'arm64' && flags.includes('bf16')),
  };
}

/** GPUs that the NVIDIA driver sees; none where there is no driver. */
export function listGpus(): Gpu[] {
  try {
    return parseGpus(execFileSync('nvidia-smi', ['--query-gpu=index,name,memory.total,compute_cap,driver_version', '--format=csv,noheader,nounits'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 }));
  } catch {
    return [];
  }
}

/** Reads the table that nvidia-smi prints for `listGpus`. */
export function parseGpus(table: string): Gpu[] {
  return table
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [index, name, memory, capability, driver] = line.split(',').map((cell) => cell.trim());
      return { index: Number(index), name: name ?? 'GPU', memoryMiB: Number(memory), capability: Number(capability), driver: driver ?? '' };
    });
}

/**
 * Says what the loaded library computes on, and refuses when that is not what was asked for.
 *
 * @param usesGpu whether TensorFlow found a GPU that it can use
 * @throws S2sError `no-gpu`, naming the likely cause
 */
export function selectDevice(device: Device, library: InstalledLibrary, usesGpu: boolean): SelectedDevice {
  if (usesGpu && device.kind !== 'cpu') {
    const gpu = listGpus()[device.gpu ?? 0];
    return {
      kind: 'gpu',
      description: gpu === undefined ? `GPU ${device.gpu ?? 0}` : `GPU ${gpu.index} (${gpu.name}, ${Math.round(gpu.memoryMiB / 1024)} GiB)`,
      halfPrecision: gpu === undefined ? undefined : halfPrecisionOf(gpu),
    };
  }
  if (device.kind === 'gpu') throw noGpu(device, library.variant, listGpus());
  const { model, cores, features, bfloat16 } = describeProcessor();
  const notable = features.filter((name) => name !== 'AVX' && name !== 'FMA');
  return { kind: 'cpu', description: `the CPU (${[model, `${cores} core${cores === 1 ? '' : 's'}`, ...notable].join(', ')})`, halfPrecision: bfloat16 ? 'bfloat16' : undefined };
}

/** The better 16-bit format of a GPU's tensor cores: bfloat16 has the range of float32, float16 more digits. */
export function halfPrecisionOf({ capability }: Pick<Gpu, 'capability'>): SelectedDevice['halfPrecision'] {
  if (capability >= TENSOR_CORE_CAPABILITY.bfloat16) return 'bfloat16';
  return capability >= TENSOR_CORE_CAPABILITY.float16 ? 'float16' : undefined;
}

/** Why a GPU that was asked for is not used: the driver, its number, the build of the library, or CUDA's libraries. */
export function noGpu(device: Device, variant: InstalledLibrary['variant'], gpus: readonly Gpu[]): S2sError {
  const [cause, hint] =
    gpus.length === 0
      ? ['the NVIDIA driver sees no GPU', 'Install the driver (nvidia-smi must list the GPU), or compute on the CPU with --device cpu.']
      : device.gpu !== undefined && device.gpu >= gpus.length
        ? [`there ${gpus.length === 1 ? 'is one GPU' : `are ${gpus.length} GPUs`}, numbered from 0`, 'Choose another number; s2s doctor lists them.']
        : variant === 'cpu'
          ? ['the installed TensorFlow is the build without CUDA', 'Install the other one: s2s setup --cuda']
          : ['TensorFlow could not use its CUDA libraries', 'TF_CPP_MIN_LOG_LEVEL=0 s2s doctor shows what is missing; s2s setup --cuda installs it.'];
  return new S2sError('no-gpu', `--device ${device.text} was asked for, but ${cause}`, { hint });
}
