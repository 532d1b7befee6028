import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tensorflow.js';

/**
 * Runs `forward` as one differentiable op with a gradient of our own.
 *
 * @param inputs what the result is differentiated with respect to; anything else the functions use is a constant
 * @param forward computes the result; `save`, called at most once, keeps what `backward` needs: intermediate tensors, and
 *   constants, which may have been disposed by then
 * @param backward gets the gradient of the result and the saved tensors; returns one gradient for each input
 */
export function withGradient<Result extends Tensor>(
  inputs: readonly Tensor[],
  forward: (save: (tensors: Tensor[]) => void) => Result,
  backward: (gradient: Result, saved: Tensor[]) => Tensor[],
): Result {
  const differentiable = tf.customGrad((...inputsAndSave: unknown[]) => {
    const save = inputsAndSave.at(-1) as (tensors: Tensor[]) => void;
    return {
      value: forward(save),
      gradFunc: (gradient: unknown, saved: unknown) => backward(gradient as Result, saved as Tensor[]),
    };
  });
  return differentiable(...inputs) as Result;
}
