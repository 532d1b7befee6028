import { nvidiaGpuIsPresent } from '../setup/nvidia.mjs';
import type { Gpu } from './gpus.js';

/** A GPU that CUDA shows to this process. */
export interface VisibleGpu {
  /** The value of CUDA_VISIBLE_DEVICES that shows this GPU alone. */
  readonly entry: string;
  /** Which GPU it is; undefined where that cannot be known. */
  readonly gpu: Gpu | undefined;
}

/**
 * The GPUs that CUDA shows, in the order in which CUDA numbers them, by the rules of CUDA_VISIBLE_DEVICES:
 *
 * - not set: all GPUs; empty: none
 * - entries are indices, the start of exactly one UUID (`GPU-1c2d`), or MIG instances; white space around an index is ignored
 * - the first entry that names no GPU ends the list; `-1` is such an entry
 * - no GPU is shown when an entry is repeated
 * - only one MIG instance is shown, the first one
 *
 * Indices count in the order of CUDA_DEVICE_ORDER. `PCI_BUS_ID`, which s2s sets where the user does not, is that of
 * nvidia-smi. The other order, fastest first, is not documented exactly: with GPUs of different kinds, `gpu` is undefined.
 *
 * @param environment before `environmentFor` has changed it
 * @param gpus what nvidia-smi lists, by index; empty where it could not be asked, so that entries are not checked
 */
export function visibleGpus(environment: NodeJS.ProcessEnv, gpus: readonly Gpu[]): VisibleGpu[] {
  const value = environment['CUDA_VISIBLE_DEVICES'];
  const byIndex = indexOrder(environment, gpus);
  if (value === undefined) return byIndex.map((gpu, index) => ({ entry: String(index), gpu }));
  const visible: VisibleGpu[] = [];
  const named = new Set<string>();
  for (const text of value.split(',')) {
    const found = findGpu(text, byIndex, gpus);
    if (found === undefined) break;
    const identity = found.gpu === undefined || found.entry.startsWith('MIG-') ? found.entry : found.gpu.uuid;
    if (named.has(identity)) return [];
    named.add(identity);
    visible.push(found);
  }
  const instance = visible.findIndex(({ entry }) => entry.startsWith('MIG-'));
  return visible.filter(({ entry }, at) => !entry.startsWith('MIG-') || at === instance);
}

/** Whether the machine has an NVIDIA GPU and CUDA_VISIBLE_DEVICES does not hide all of them. Asks no other program. */
export function gpuIsVisible(environment: NodeJS.ProcessEnv = process.env, present = nvidiaGpuIsPresent()): boolean {
  return present && (environment['CUDA_VISIBLE_DEVICES'] === undefined || visibleGpus(environment, []).length > 0);
}

/** The GPU of each index, undefined where CUDA's own order decides. */
function indexOrder(environment: NodeJS.ProcessEnv, gpus: readonly Gpu[]): (Gpu | undefined)[] {
  const areAlike = new Set(gpus.map(({ name }) => name)).size <= 1;
  const isKnown = areAlike || (environment['CUDA_DEVICE_ORDER'] ?? 'PCI_BUS_ID') === 'PCI_BUS_ID';
  return gpus.map((gpu) => (isKnown ? gpu : undefined));
}

/** What one entry of CUDA_VISIBLE_DEVICES names; undefined for nothing. */
function findGpu(text: string, byIndex: readonly (Gpu | undefined)[], gpus: readonly Gpu[]): VisibleGpu | undefined {
  const entry = text.trim();
  const isUuid = entry.startsWith('GPU-') || entry.startsWith('MIG-');
  if (!isUuid) {
    // As strtoul reads it: digits, and whatever follows them is ignored.
    const digits = /^\+?(\d+)/.exec(entry)?.[1];
    if (digits === undefined || (gpus.length > 0 && Number(digits) >= gpus.length)) return undefined;
    return { entry: String(Number(digits)), gpu: byIndex[Number(digits)] };
  }
  if (gpus.length === 0) return { entry, gpu: undefined };
  const isNamed = (gpu: Gpu): boolean =>
    entry.startsWith('GPU-') ? gpu.uuid.startsWith(entry) : hasInstance(gpu, entry);
  const found = gpus.filter(isNamed);
  return found.length === 1 ? { entry, gpu: found[0] } : undefined;
}

/** Whether an entry names a MIG instance of a GPU: by its own UUID, or as `MIG-GPU-<UUID>/<instance>/<compute instance>`. */
function hasInstance({ uuid, instances }: Gpu, entry: string): boolean {
  return entry.startsWith(`MIG-${uuid}/`) || instances.some((instance) => instance.startsWith(entry));
}
