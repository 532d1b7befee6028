import type { Parameters } from '../model/parameters.js';
import { parseDevice } from '../runtime/device.js';
import { loadedRuntime } from '../runtime/tensorflow.js';
import { tensorflowVersion } from '../runtime/tf.js';
import { packageVersion } from '../version.js';

/** Common fields of all benchmark reports. Stable, and equal to those of bench/peer_pytorch.py. */
export interface ReportHead {
  /** `s2s 0.1.0, TensorFlow 2.21.0`. */
  readonly system: string;
  readonly model: string;
  /** Dtype of the large matrix products. */
  readonly dtype: string;
  /** `cpu`, or `gpu:N`. */
  readonly device: string;
  /** Number of trainable parameters. */
  readonly parameters: number;
}

/** Describes software, model and device of a benchmark. Call `loadTensorFlow` first. */
export function reportHead(
  name: string,
  { count: parameters, policy }: Pick<Parameters, 'count' | 'policy'>,
  requestedDevice: string,
): ReportHead {
  const runtime = loadedRuntime();
  return {
    system: `s2s ${packageVersion()}, TensorFlow ${tensorflowVersion() ?? 'of unknown version'}`,
    model: name,
    dtype: policy.precision,
    device: runtime?.kind === 'gpu' ? `gpu:${parseDevice(requestedDevice).gpu ?? 0}` : 'cpu',
    parameters,
  };
}

/** Peak resident memory of this process so far, in MB (10^6 bytes). */
export function peakResidentMegabytes(): number {
  return Math.round((process.resourceUsage().maxRSS * 1024) / 1e6);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** Rounds to six significant digits: the others are noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
