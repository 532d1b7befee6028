import { loadedRuntime } from '../../src/runtime/tensorflow.js';
import type { OpForm } from '../../src/runtime/ops/form.js';

/** A way to compute the ops, by name, and how near to exact arithmetic it is. */
export interface NamedForm {
  readonly name: string;
  readonly form: Omit<OpForm, 'customProducts'> & Partial<OpForm>;
  /** Largest difference from the exact result, relative to the largest number of the result. */
  readonly tolerance: number;
}

/** Every form of the ops that this machine can run; TensorFlow must have been loaded. */
export function availableForms(): NamedForm[] {
  const forms: NamedForm[] = [
    { name: 'plain float32', form: { kernels: 'plain', precision: 'float32' }, tolerance: 1e-5 },
    { name: 'fused float32', form: { kernels: 'fused', precision: 'float32' }, tolerance: 1e-5 },
    { name: 'plain bfloat16', form: { kernels: 'plain', precision: 'bfloat16' }, tolerance: 3e-2 },
    { name: 'fused float16', form: { kernels: 'fused', precision: 'float16' }, tolerance: 5e-3 },
  ];
  if (loadedRuntime()?.customOps === true) {
    forms.push(
      { name: 'custom float32', form: { kernels: 'custom', precision: 'float32' }, tolerance: 1e-5 },
      { name: 'custom bfloat16', form: { kernels: 'custom', precision: 'bfloat16' }, tolerance: 3e-2 },
      { name: 'custom float32 with rounded rows', form: { kernels: 'custom', precision: 'float32', customProducts: false }, tolerance: 1e-5 },
      { name: 'custom bfloat16 with rounded rows', form: { kernels: 'custom', precision: 'bfloat16', customProducts: false }, tolerance: 3e-2 },
    );
  }
  return forms;
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
