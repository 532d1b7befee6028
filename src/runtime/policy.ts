/** Dtype of the factors of large matrix products. Sums, weights and all other ops are float32. */
export type Precision = 'float32' | 'bfloat16' | 'float16';

/**
 * Which implementation computes an op:
 *
 * - `plain`: portable tfjs ops, the reference in tests and the only implementation for browsers;
 * - `fused`: TensorFlow's own fused ops where they are faster, for GPUs;
 * - `custom`: the C++ ops in src/runtime/native, for CPUs.
 */
export type Kernels = 'plain' | 'fused' | 'custom';

/**
 * How the ops of one model compute. Every op takes its policy as an argument, so two models with different precision
 * can live in one process.
 */
export interface ComputePolicy {
  readonly kernels: Kernels;
  readonly precision: Precision;
  /** Whether the custom float32 matrix products are faster than TensorFlow's on this processor. */
  readonly customProducts: boolean;
}

/** The policy that every backend supports. */
export const PORTABLE_POLICY: ComputePolicy = { kernels: 'plain', precision: 'float32', customProducts: false };
