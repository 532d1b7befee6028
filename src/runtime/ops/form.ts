import { loadedRuntime, tf, type Precision } from '../tensorflow.js';

/**
 * How the ops of this folder compute. The plain form of each is a composition of portable tfjs ops: the reference that
 * the others are tested against, and what runs where nothing faster does.
 */
export interface OpForm {
  /** Whether the custom ops in C++ (src/runtime/native) are used: they are for the CPU. */
  readonly customOps: boolean;
  /** What large matrix products multiply in; sums, and everything else, are float32. */
  readonly precision: Precision;
}

let forced: Partial<OpForm> = {};

/** The form that suits the loaded library, its device and the precision asked for. */
export function opForm(): OpForm {
  const runtime = loadedRuntime();
  const native = runtime !== undefined && tf.getBackend() === 'tensorflow';
  const customOps = native && runtime.customOps && runtime.kind === 'cpu';
  return { customOps, precision: native ? runtime.precision : 'float32', ...forced };
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
