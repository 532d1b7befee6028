import type { Scalar, Tensor } from '@tensorflow/tfjs-node-gpu';
import type { Batch } from '../data/batch.js';
import { sequenceLoss } from '../loss/sequence-loss.js';
import { toTensors } from '../model/batch-tensors.js';
import type { TrainableModel } from '../model/model.js';
import type { DropoutSeeds } from '../runtime/ops/dropout.js';
import { tf } from '../runtime/tf.js';

/** Gradients and loss of one batch, on the device. The caller disposes them. */
export interface BatchGradients {
  /** In the order of `model.parameters.names`. */
  readonly gradients: readonly Tensor[];
  readonly loss: Scalar;
  readonly negativeLogLikelihood: Scalar;
  readonly correct: Scalar;
}

/**
 * Computes the loss of a batch and its gradient with respect to every parameter.
 *
 * @param settings.divisor of the summed loss: tokens or sentences of the whole update
 */
export function computeGradients(
  model: TrainableModel,
  batch: Batch,
  settings: { labelSmoothing: number; divisor: number; seeds?: DropoutSeeds },
): BatchGradients {
  return tf.tidy(() => {
    const tensors = toTensors(batch);
    const weights = model.parameters.names.map((name) => model.parameters.get(name));
    let sums: readonly [Scalar, Scalar] | undefined;
    const forward = (): Scalar => {
      const { loss, negativeLogLikelihood, correct } = sequenceLoss(model, tensors, settings);
      sums = [tf.keep(negativeLogLikelihood), tf.keep(correct)];
      return loss;
    };
    const { value, grads } = tf.engine().gradients(forward, weights, undefined, true);
    const [negativeLogLikelihood, correct] = sums!;
    // Parameters that the loss does not depend on have no gradient.
    const gradients = grads.map((gradient: Tensor | null, index: number) => gradient ?? tf.zerosLike(weights[index]!));
    return { gradients, loss: value as Scalar, negativeLogLikelihood, correct };
  });
}

/** Accumulates gradients: returns `sum + next` and disposes both. */
export function addGradients(sum: readonly Tensor[] | undefined, next: readonly Tensor[]): readonly Tensor[] {
  if (sum === undefined) return next;
  return sum.map((left, index) => {
    const right = next[index]!;
    const added = tf.add(left, right);
    left.dispose();
    right.dispose();
    return added;
  });
}
