import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../../src/runtime/tf.js';

/** A computation with tensors, and its reference implementation in double precision. */
export interface Twofold {
  readonly shapes: readonly (readonly number[])[];
  readonly tensors: (...inputs: Tensor[]) => Tensor;
  /** The reference, as a flat list. */
  readonly numbers: (...inputs: Float64Array[]) => ArrayLike<number>;
}

/** Results of `compareWithDifferences`, each with its expected value second. */
export interface Comparison {
  readonly value: readonly [ArrayLike<number>, ArrayLike<number>];
  /** For each input. */
  readonly gradients: readonly (readonly [ArrayLike<number>, ArrayLike<number>])[];
}

/**
 * Computes a value, and the gradients of the inputs for the sum of its elements weighted by `direction`: with tensors,
 * and by central differences of the reference.
 */
export function compareWithDifferences(
  { shapes, tensors, numbers }: Twofold,
  inputs: readonly Float64Array[],
  direction: ArrayLike<number>,
): Comparison {
  const [value, ...gradients] = tf.tidy(() => {
    const given = inputs.map((values, index) => tf.tensor(Float32Array.from(values), [...shapes[index]!]));
    const weights = tf.tensor1d(Float32Array.from(direction));
    const found = tf.grads((...arguments_: Tensor[]) => tf.sum(tf.mul(tensors(...arguments_).flatten(), weights)))(
      given,
    );
    return [tensors(...given), ...found].map((tensor) => tensor.dataSync());
  }) as [Float32Array, ...Float32Array[]];
  const weighted = (): number =>
    Array.from(numbers(...inputs)).reduce((sum, element, index) => sum + element * direction[index]!, 0);
  const differences = inputs.map((values) =>
    values.map((element, index) => {
      const at = (shift: number): number => {
        values[index] = element + shift;
        return weighted();
      };
      const difference = (at(1e-5) - at(-1e-5)) / 2e-5;
      values[index] = element;
      return difference;
    }),
  );
  return {
    value: [value, numbers(...inputs)],
    gradients: gradients.map((gradient, index) => [gradient, differences[index]!]),
  };
}
