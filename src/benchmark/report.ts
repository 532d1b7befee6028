import type { Parameters } from '../model/parameters.js';
import { parseDevice } from '../runtime/device.js';
import { loadedRuntime } from '../runtime/tensorflow.js';
import { tensorflowVersion } from '../runtime/tensorflow-version.js';
import { packageVersion } from '../version.js';

/** What every measurement says of itself. The names are those of bench/peer_pytorch.py, and stable. */
export interface ReportHead {
  /** `s2s 0.1.0, TensorFlow 2.21.0`. */
  readonly system: string;
  readonly model: string;
  /** Number format of the large matrix products. */
  readonly dtype: string;
  /** `cpu`, or `gpu:N`. */
  readonly device: string;
  /** Weights of the model. */
  readonly parameters: number;
}

/**
 * Describes what is measured, and on what. `loadTensorFlow` comes first.
 *
 * @param askedDevice the device as asked for
 */
export function reportHead(
  name: string,
  { count: parameters, policy }: Pick<Parameters, 'count' | 'policy'>,
  askedDevice: string,
): ReportHead {
  const runtime = loadedRuntime();
  return {
    system: `s2s ${packageVersion()}, TensorFlow ${tensorflowVersion() ?? 'of unknown version'}`,
    model: name,
    dtype: policy.precision,
    device: runtime?.kind === 'gpu' ? `gpu:${parseDevice(askedDevice).gpu ?? 0}` : 'cpu',
    parameters,
  };
}

/** The largest resident memory of this process so far, in millions of bytes. */
export function peakResidentMegabytes(): number {
  return Math.round((process.resourceUsage().maxRSS * 1024) / 1e6);
}

/** The middle one of some numbers, or the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** Six significant digits: what is beyond them is noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
