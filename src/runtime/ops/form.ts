import { loadedRuntime, tf, type Precision } from '../tensorflow.js';

/**
 * What computes the ops of this folder:
 *
 * - `plain`: compositions of portable tfjs ops, the reference that the others are tested against;
 * - `fused`: TensorFlow's own fused ops where they are faster, for GPUs;
 * - `custom`: our ops in C++ (src/runtime/native), for the CPU.
 */
export type Kernels = 'plain' | 'fused' | 'custom';

/** How the ops of this folder compute. */
export interface OpForm {
  readonly kernels: Kernels;
  /** What large matrix products multiply in; sums, and everything else, are float32. */
  readonly precision: Precision;
  /**
   * Whether float32 products are computed by our ops (src/runtime/native/matmul_op.cc) and not by TensorFlow's; of
   * consequence with `custom` kernels only. Our ops need no rounded numbers of rows.
   */
  readonly customProducts: boolean;
}

let forced: Partial<OpForm> = {};

/** The form that suits the loaded library, its device and the precision asked for. */
export function opForm(): OpForm {
  const runtime = loadedRuntime();
  if (runtime === undefined || tf.getBackend() !== 'tensorflow') return { kernels: 'plain', precision: 'float32', customProducts: false, ...forced };
  const kernels = runtime.kind === 'gpu' ? 'fused' : runtime.customOps ? 'custom' : 'plain';
  return { kernels, precision: runtime.precision, customProducts: runtime.customProducts, ...forced };
}

/** Runs `compute` in another form than the one that suits: for tests and measurements. */
export function withOpForm<Result>(form: Partial<OpForm>, compute: () => Result): Result {
  const before = forced;
  forced = { ...before, ...form };
  try {
    return compute();
  } finally {
    forced = before;
  }
}
