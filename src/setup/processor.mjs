import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { cpus } from 'node:os';

/**
 * The processor's feature flags as the system names them: `avx512_bf16`; empty where they cannot be read.
 *
 * @returns {string[]}
 */
export function processorFlags() {
  if (process.platform === 'linux')
    return /^(?:flags|Features)\s*:\s*(.*)$/m.exec(startOfFile('/proc/cpuinfo'))?.[1]?.split(' ') ?? [];
  if (process.platform === 'darwin')
    return process.arch === 'arm64' ? ['asimd', ...(appleFeature('FEAT_BF16') ? ['bf16'] : [])] : [];
  return [];
}

/** A text that differs between processors which need different code. @returns {string} */
export function processorIdentity() {
  return [process.arch, ...processorFlags(), process.platform === 'linux' ? '' : (cpus()[0]?.model ?? '')].join(' ');
}

/**
 * The first processor's entry: the whole file is long on a machine with hundreds of cores.
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
