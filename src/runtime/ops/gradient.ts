import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';

/** Keeps tensors for the backward pass. Call it at most once. */
type Save = (tensors: Tensor[]) => void;

/**
 * Runs `forward` as one differentiable op with a custom gradient.
 *
 * @param inputs tensors that receive gradients; all other tensors are constants
 * @param forward computes the result; `save` keeps the tensors that `backward` needs, including constants, because they
 *   may be disposed earlier
 * @param backward receives the gradient of the result and the saved tensors; returns one gradient per input
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

/** The private method of tfjs's engine that records an op with several results; `tf.customGrad` supports only one. */
interface Recorder {
  runKernelFunc(op: {
    inputs: Record<string, Tensor>;
    forwardFunc: (backend: unknown, save: Save) => Tensor[];
    backwardsFunc: (gradients: Tensor | Tensor[], saved: Tensor[]) => Record<string, () => Tensor>;
  }): Tensor[];
}

/**
 * `withGradient` for an op with several results.
 *
 * @param backward receives the gradients of all results; zeros for a result that the loss does not depend on
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
      const dInputs = tf.tidy(() => backward(Array.isArray(gradients) ? gradients : [gradients], saved));
      return Object.fromEntries(dInputs.map((gradient, index) => [index, () => gradient]));
    },
  });
}
