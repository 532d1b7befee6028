import { execFileSync } from 'node:child_process';

/** A GPU as nvidia-smi reports it. */
export interface Gpu {
  /** Index by PCI bus address, as in nvidia-smi. */
  readonly index: number;
  /** Such as `GPU-1c2d...`. */
  readonly uuid: string;
  readonly name: string;
  readonly memoryMiB: number;
  /** Compute capability, such as 9.0. */
  readonly capability: number;
  readonly driver: string;
  /** UUIDs of its MIG instances, such as `MIG-1c2d...`; empty without MIG, or if they were not listed. */
  readonly instances: readonly string[];
}

/**
 * Lists all GPUs of the machine, regardless of CUDA_VISIBLE_DEVICES; none without an NVIDIA driver.
 *
 * @param environment MIG instances are listed only if its CUDA_VISIBLE_DEVICES contains one, which saves a call
 */
export function listGpus(environment: NodeJS.ProcessEnv = process.env): Gpu[] {
  try {
    const fields = 'index,uuid,name,memory.total,compute_cap,driver_version';
    const table = nvidiaSmi([`--query-gpu=${fields}`, '--format=csv,noheader,nounits']);
    return parseGpus(table, environment['CUDA_VISIBLE_DEVICES']?.includes('MIG-') === true ? nvidiaSmi(['-L']) : '');
  } catch {
    return [];
  }
}

/**
 * Parses the output of nvidia-smi for `listGpus`.
 *
 * @param table output of `nvidia-smi --query-gpu`, in CSV without a header
 * @param list output of `nvidia-smi -L`, in which the MIG instances of a GPU follow it
 */
export function parseGpus(table: string, list = ''): Gpu[] {
  const instances = instancesByGpu(list);
  return table
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [index, uuid = '', name = 'GPU', memory, capability, driver = ''] = line
        .split(',')
        .map((cell) => cell.trim());
      const numbers = { index: Number(index), memoryMiB: Number(memory), capability: Number(capability) };
      return { ...numbers, uuid, name, driver, instances: instances.get(uuid) ?? [] };
    });
}

function instancesByGpu(list: string): Map<string, string[]> {
  const instances = new Map<string, string[]>();
  let ofGpu: string[] = [];
  for (const [, uuid = ''] of list.matchAll(/\(UUID: ([^)]+)\)/g)) {
    if (uuid.startsWith('GPU-')) instances.set(uuid, (ofGpu = []));
    else ofGpu.push(uuid);
  }
  return instances;
}

function nvidiaSmi(options: readonly string[]): string {
  return execFileSync('nvidia-smi', options, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 10_000,
  });
}
