import { execFileSync } from 'node:child_process';

/** A GPU as the driver describes it. */
export interface Gpu {
  /** Position in the order of PCI bus addresses, as nvidia-smi numbers GPUs. */
  readonly index: number;
  /** Such as `GPU-1c2d...`. */
  readonly uuid: string;
  readonly name: string;
  readonly memoryMiB: number;
  /** Compute capability, such as 9.0. */
  readonly capability: number;
  readonly driver: string;
  /** UUIDs of its MIG instances, such as `MIG-1c2d...`; empty where the GPU is not divided, or was not asked. */
  readonly instances: readonly string[];
}

/**
 * All GPUs that the NVIDIA driver sees, whatever CUDA_VISIBLE_DEVICES says; none where there is no driver.
 *
 * @param environment MIG instances are listed only where its CUDA_VISIBLE_DEVICES names one, to save a call
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
 * Reads what nvidia-smi prints for `listGpus`.
 *
 * @param table lines of comma-separated values
 * @param list output of `nvidia-smi -L`, where each GPU is followed by its MIG instances
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
