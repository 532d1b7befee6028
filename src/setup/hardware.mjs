import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { cpus } from 'node:os';

/**
 * The instruction set that the user allows at most, by the environment variable of oneDNN for that purpose
 * (https://uxlfoundation.github.io/oneDNN/dev_guide_cpu_dispatcher_control.html). TensorFlow's oneDNN and that of the
 * custom ops read it themselves. `DNNL_MAX_CPU_ISA` is its older name.
 *
 * @param {NodeJS.ProcessEnv} environment
 * @returns {'avx2' | 'avx512' | undefined} without AVX-512; with AVX-512, but without its extensions for bfloat16; or
 *   without a limit that matters here
 */
export function instructionLimit({ ONEDNN_MAX_CPU_ISA: name, DNNL_MAX_CPU_ISA: older } = process.env) {
  const limit = (name ?? older ?? '').toUpperCase();
  if (/^(SSE41|AVX|AVX2|AVX2_VNNI|AVX2_VNNI_2)$/.test(limit)) return 'avx2';
  return /^AVX512_CORE(_VNNI)?$/.test(limit) ? 'avx512' : undefined;
}

/** Flags that each limit excludes. */
const EXCLUDED = { avx2: /^(avx512|amx)/, avx512: /^(avx512_(bf16|fp16)|amx)/ };

/**
 * The CPU's feature flags as in /proc/cpuinfo: `avx512_bf16`. Empty if they cannot be read; without those that
 * `instructionLimit` excludes.
 *
 * @returns {string[]}
 */
export function processorFlags() {
  const limit = instructionLimit();
  const flags = allProcessorFlags();
  return limit === undefined ? flags : flags.filter((flag) => !EXCLUDED[limit].test(flag));
}

/**
 * Whether TensorFlow's product in bfloat16 aborts the process: on a processor with AVX-512, TensorFlow leaves it to
 * oneDNN, which has none below AVX-512.
 */
export function bfloat16Aborts() {
  return instructionLimit() === 'avx2' && allProcessorFlags().includes('avx512f');
}

/** @returns {string[]} */
function allProcessorFlags() {
  if (process.platform === 'linux')
    return /^(?:flags|Features)\s*:\s*(.*)$/m.exec(startOfFile('/proc/cpuinfo'))?.[1]?.split(' ') ?? [];
  if (process.platform === 'darwin')
    return process.arch === 'arm64' ? ['asimd', ...(appleFeature('FEAT_BF16') ? ['bf16'] : [])] : [];
  return [];
}

/** A string that identifies processors for which -march=native generates the same code. @returns {string} */
export function processorIdentity() {
  return [process.arch, ...processorFlags(), process.platform === 'linux' ? '' : (cpus()[0]?.model ?? '')].join(' ');
}

/**
 * The first 8 KiB of a file, which hold the first processor's entry: the whole file is long on a machine with many
 * cores.
 *
 * @param {string} path
 */
function startOfFile(path) {
  try {
    const file = openSync(path, 'r');
    try {
      const buffer = Buffer.alloc(8192);
      let length = 0;
      for (let read = -1; read !== 0 && length < buffer.length; length += read)
        read = readSync(file, buffer, length, buffer.length - length, null);
      return buffer.toString('latin1', 0, length);
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}

/** @param {string} name */
function appleFeature(name) {
  try {
    return (
      execFileSync('sysctl', ['-n', `hw.optional.arm.${name}`], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim() === '1'
    );
  } catch {
    return false;
  }
}

/** Whether the machine has an NVIDIA GPU with a driver. Checks only files, which takes no measurable time. */
export function nvidiaGpuIsPresent() {
  try {
    if (readdirSync('/proc/driver/nvidia/gpus').length > 0) return true;
  } catch {
    // The driver is not loaded, or this is a container or WSL.
  }
  // Containers have the device without that folder, and WSL only the library.
  return existsSync('/dev/nvidia0') || existsSync('/usr/lib/wsl/lib/libcuda.so.1');
}
