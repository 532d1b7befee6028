import { nvidiaGpuIsPresent } from '../setup/hardware.mjs';
import type { Gpu } from './gpus.js';

/** A GPU that is visible to CUDA in this process. */
export interface VisibleGpu {
  /** The value of CUDA_VISIBLE_DEVICES that selects only this GPU. */
  readonly entry: string;
  /** Undefined if it cannot be determined which GPU this is. */
  readonly gpu: Gpu | undefined;
}

/**
 * The GPUs visible to CUDA, in CUDA's numbering, by the rules of CUDA_VISIBLE_DEVICES:
 *
 * - unset: all GPUs; empty: none
 * - an entry is an index, a prefix of exactly one UUID (`GPU-1c2d`), or a MIG instance; white space around an index is
 *   ignored
 * - the first invalid entry, such as `-1`, ends the list
 * - a repeated entry hides all GPUs
 * - only the first MIG instance is visible
 *
 * Indices follow CUDA_DEVICE_ORDER. `PCI_BUS_ID`, which s2s sets unless the user does, is the order of nvidia-smi. The
 * exact order of `FASTEST_FIRST` is undocumented, so with GPUs of different models `gpu` is undefined.
 *
 * @param environment the environment before `environmentFor` is applied
 * @param gpus GPUs listed by nvidia-smi, by index; empty if nvidia-smi failed: entries are then not checked
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

/** Whether CUDA_VISIBLE_DEVICES leaves any NVIDIA GPU of the machine visible. Starts no program. */
export function gpuIsVisible(environment: NodeJS.ProcessEnv = process.env, present = nvidiaGpuIsPresent()): boolean {
  return present && (environment['CUDA_VISIBLE_DEVICES'] === undefined || visibleGpus(environment, []).length > 0);
}

/** The GPU of each index; undefined if the order is CUDA's own. */
function indexOrder(environment: NodeJS.ProcessEnv, gpus: readonly Gpu[]): (Gpu | undefined)[] {
  const areAlike = new Set(gpus.map(({ name }) => name)).size <= 1;
  const isKnown = areAlike || (environment['CUDA_DEVICE_ORDER'] ?? 'PCI_BUS_ID') === 'PCI_BUS_ID';
  return gpus.map((gpu) => (isKnown ? gpu : undefined));
}

/** The GPU of one entry of CUDA_VISIBLE_DEVICES; undefined for an invalid entry. */
function findGpu(text: string, byIndex: readonly (Gpu | undefined)[], gpus: readonly Gpu[]): VisibleGpu | undefined {
  const entry = text.trim();
  const isUuid = entry.startsWith('GPU-') || entry.startsWith('MIG-');
  if (!isUuid) {
    // Like strtoul: whatever follows the digits is ignored.
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

/** Whether an entry is a MIG instance of a GPU: `MIG-<UUID>`, or `MIG-GPU-<UUID>/<instance>/<compute instance>`. */
function hasInstance({ uuid, instances }: Gpu, entry: string): boolean {
  return entry.startsWith(`MIG-${uuid}/`) || instances.some((instance) => instance.startsWith(entry));
}
