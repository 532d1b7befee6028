import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';

/** Keeps tensors for the backward pass; called at most once. */
type Save = (tensors: Tensor[]) => void;

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
  forward: (save: Save) => Result,
  backward: (gradient: Result, saved: Tensor[]) => Tensor[],
): Result {
  const [result] = withGradients(
    inputs,
    (save) => [forward(save)],
    ([gradient], saved) => backward(gradient as Result, saved),
  );
  return result as Result;
}

/** The part of tfjs's engine that records an op of any number of results; `tf.customGrad` allows one. */
interface Recorder {
  runKernelFunc(op: {
    inputs: Record<string, Tensor>;
    forwardFunc: (backend: unknown, save: Save) => Tensor[];
    backwardsFunc: (gradients: Tensor | Tensor[], saved: Tensor[]) => Record<string, () => Tensor>;
  }): Tensor[];
}

/**
 * The same for an op with several results; a result that nothing depends on has a gradient of zeros.
 *
 * @param backward gets the gradients of all results
 */
export function withGradients(
  inputs: readonly Tensor[],
  forward: (save: Save) => Tensor[],
  backward: (gradients: Tensor[], saved: Tensor[]) => Tensor[],
): Tensor[] {
  return (tf.engine() as unknown as Recorder).runKernelFunc({
    inputs: Object.fromEntries(inputs.map((input, index) => [index, input])),
    forwardFunc: (_backend, save) => forward(save),
    backwardsFunc: (gradients, saved) => {
      const ofInputs = backward(Array.isArray(gradients) ? gradients : [gradients], saved);
      return Object.fromEntries(ofInputs.map((gradient, index) => [index, () => gradient]));
    },
  });
}
