import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';
import { withGradient } from './gradient.js';
import { unstackTime } from './time-major.js';

/**
 * Elementwise linear recurrence `c_t = decay_t * c_(t-1) + input_t` from `c_0 = 0`.
 *
 * Its gradient is the same recurrence in the other direction: `d_t` is the gradient of the result at `t` plus
 * `decay_(t+1) * d_(t+1)`; the gradients of input and decay are `d_t` and `d_t * c_(t-1)`.
 *
 * @param decay `[batch, time, size]`
 * @param input `[batch, time, size]`
 * @returns `[batch, time, size]`
 */
export function linearRecurrence(decay: Tensor3D, input: Tensor3D): Tensor3D {
  return withGradient<Tensor3D>(
    [decay, input],
    (save) => {
      const results = tf.stack(accumulate(unstackTime(decay), unstackTime(input)), 1) as Tensor3D;
      save([decay, results]);
      return results;
    },
    (gradient, saved) => {
      const [savedDecay, results] = saved as [Tensor3D, Tensor3D];
      const [, ...next] = unstackTime(savedDecay);
      const last = tf.zerosLike(next[0] ?? unstackTime(gradient)[0]!);
      const backwards = accumulate([...next, last].reverse(), unstackTime(gradient).reverse());
      const dInput = tf.stack(backwards.reverse(), 1) as Tensor3D;
      return [tf.mul(dInput, shifted(results)), dInput];
    },
  );
}

function accumulate(decays: readonly Tensor2D[], inputs: readonly Tensor2D[]): Tensor2D[] {
  let value: Tensor2D | undefined;
  return inputs.map((input, step) => {
    value = value === undefined ? input : tf.add<Tensor2D>(tf.mul(decays[step]!, value), input);
    return value;
  });
}

/** `[batch, time, size]` one step later: zero at the first step, without the last. */
function shifted(sequence: Tensor3D): Tensor3D {
  const [batch, time, size] = sequence.shape;
  const padded = tf.pad(sequence, [
    [0, 0],
    [1, 0],
    [0, 0],
  ]);
  return tf.slice(padded, [0, 0, 0], [batch, time, size]);
}
