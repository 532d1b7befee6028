import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { S2sError } from '../errors.js';
import type { InstalledLibrary } from './library.js';
import { tf } from './tensorflow.js';

/** What the computation runs on. */
export interface SelectedDevice {
  readonly kind: 'cpu' | 'gpu';
  /** For people: `the CPU (AMD EPYC, 2 cores, AVX-512, AVX512-BF16)`. */
  readonly description: string;
}

/** A GPU as the driver describes it. */
export interface Gpu {
  readonly index: number;
  readonly name: string;
  readonly memoryMiB: number;
  /** Compute capability, such as 9.0. */
  readonly capability: number;
}

/** Vector units that matter here, by the flags that Linux and macOS show. */
const CPU_FEATURES: readonly (readonly [flag: string, name: string])[] = [
  ['avx2', 'AVX2'],
  ['fma', 'FMA'],
  ['avx512f', 'AVX-512'],
  ['avx512_bf16', 'AVX512-BF16'],
  ['amx_bf16', 'AMX-BF16'],
  ['asimd', 'NEON'],
  ['bf16', 'BF16'],
];

/** Model, cores and vector units of the processor. */
export function describeCpu(): { model: string; cores: number; features: string[] } {
  const flags = new Set(cpuFlags());
  return { model: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length, features: CPU_FEATURES.flatMap(([flag, name]) => (flags.has(flag) ? [name] : [])) };
}

/** Whether the processor multiplies bfloat16 natively. */
export function cpuHasBfloat16(): boolean {
  const flags = cpuFlags();
  return flags.includes('avx512_bf16') || flags.includes('amx_bf16') || (process.arch === 'arm64' && flags.includes('bf16'));
}

/** GPUs that the NVIDIA driver sees; none where there is no driver. */
export function listGpus(): Gpu[] {
  try {
    const table = execFileSync('nvidia-smi', ['--query-gpu=index,name,memory.total,compute_cap', '--format=csv,noheader,nounits'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 });
    return table
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [index, name, memory, capability] = line.split(',').map((cell) => cell.trim());
        return { index: Number(index), name: name ?? 'GPU', memoryMiB: Number(memory), capability: Number(capability) };
      });
  } catch {
    return [];
  }
}

/**
 * Says what the loaded library computes on, and refuses when that is not what was asked for.
 *
 * @throws S2sError `no-gpu`, naming the likely cause
 */
export function selectDevice(device: string, library: InstalledLibrary): SelectedDevice {
  const usesGpu = (tf.backend() as unknown as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
  if (usesGpu && device !== 'cpu') {
    const number = Number(/^gpu:(\d+)$/.exec(device)?.[1] ?? 0);
    const gpu = listGpus()[number];
    return { kind: 'gpu', description: gpu === undefined ? `GPU ${number}` : `GPU ${number} (${gpu.name}, ${Math.round(gpu.memoryMiB / 1024)} GiB)` };
  }
  if (device.startsWith('gpu')) throw noGpu(device, library);
  const { model, cores, features } = describeCpu();
  return { kind: 'cpu', description: `the CPU (${[model, `${cores} core${cores === 1 ? '' : 's'}`, ...features].join(', ')})` };
}

function noGpu(device: string, library: InstalledLibrary): S2sError {
  const gpus = listGpus();
  const number = /^gpu:(\d+)$/.exec(device)?.[1];
  const [cause, hint] =
    gpus.length === 0
      ? ['the NVIDIA driver sees no GPU', 'Install the driver (nvidia-smi must list the GPU), or compute on the CPU with --device cpu.']
      : number !== undefined && Number(number) >= gpus.length
        ? [`there are ${gpus.length} GPUs, numbered from 0`, 'Choose another number.']
        : library.variant === 'cpu'
          ? ['the installed TensorFlow is the build without CUDA', 'Install the other one: s2s setup --cuda']
          : ['TensorFlow could not load its CUDA libraries', 'S2S_NATIVE_LOG=1 TF_CPP_MIN_LOG_LEVEL=0 s2s doctor shows which are missing; s2s setup --cuda installs them.'];
  return new S2sError('no-gpu', `--device ${device} was asked for, but ${cause}`, { hint });
}

function cpuFlags(): string[] {
  if (existsSync('/proc/cpuinfo')) {
    const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
    return line?.[1]?.split(' ') ?? [];
  }
  if (process.platform === 'darwin' && process.arch === 'arm64') return ['asimd'];
  return [];
}
