import type { ComputePolicy, Kernels, Precision } from '../../src/runtime/policy.js';
import { bfloat16Aborts } from '../../src/setup/hardware.mjs';
import { loadedRuntime } from '../../src/runtime/tensorflow.js';

/** A policy with a name for test titles and the accuracy of its results. */
export interface NamedPolicy {
  readonly name: string;
  readonly policy: ComputePolicy;
  /** Largest difference from the exact result, relative to the largest number of the result. */
  readonly tolerance: number;
}

const TOLERANCE = { float32: 1e-5, bfloat16: 3e-2, float16: 5e-3 } as const;

/**
 * Every policy that this machine can run. With custom ops, these include policies with and without the custom float32
 * products, whichever are faster on this processor. Call it after `loadTensorFlow`.
 */
export function availablePolicies(): NamedPolicy[] {
  const policies = [
    named('plain', 'float32'),
    named('fused', 'float32'),
    named('plain', 'bfloat16'),
    named('fused', 'float16'),
  ];
  const isSupported = ({ policy }: NamedPolicy): boolean => policy.precision !== 'bfloat16' || !bfloat16Aborts();
  if (loadedRuntime()?.customOps !== true) return policies.filter(isSupported);
  const custom = [false, true].flatMap((customProducts) => [
    named('custom', 'float32', customProducts),
    // There is no custom bfloat16 product, but left factors are padded only without custom products.
    named('custom', 'bfloat16', customProducts),
  ]);
  return [...policies, ...custom].filter(isSupported);
}

function named(kernels: Kernels, precision: Precision, customProducts = false): NamedPolicy {
  return {
    name: `${kernels} ${precision}${customProducts ? ' with custom products' : ''}`,
    policy: { kernels, precision, customProducts },
    tolerance: TOLERANCE[precision],
  };
}

/** The largest difference between two lists of numbers, relative to the largest number of the second. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let largest = 1e-30;
  for (let index = 0; index < expected.length; index++) {
    const gap = Math.abs(actual[index]! - expected[index]!);
    if (!(gap <= difference)) difference = gap;
    largest = Math.max(largest, Math.abs(expected[index]!));
  }
  return difference / largest;
}
