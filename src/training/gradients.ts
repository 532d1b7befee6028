import type { Scalar, Tensor } from '@tensorflow/tfjs-node-gpu';
import type { Batch } from '../data/batch.js';
import { sequenceLoss } from '../loss/sequence-loss.js';
import { toTensors } from '../model/batch-tensors.js';
import type { TrainableModel } from '../model/model.js';
import type { DropoutSeeds } from '../runtime/ops/dropout.js';
import { tf } from '../runtime/tf.js';

/** Gradients of one batch with its loss, all on the device and the caller's to dispose. */
export interface BatchGradients {
  /** One for each of `model.parameters.names`, in that order. */
  readonly gradients: readonly Tensor[];
  readonly loss: Scalar;
  readonly negativeLogLikelihood: Scalar;
  readonly correct: Scalar;
}

/**
 * The loss of a batch and its gradient with respect to every parameter.
 *
 * @param settings.divisor what the summed loss is divided by
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
    // A parameter that the loss does not depend on has no gradient; zero leaves it as it is.
    const gradients = grads.map((gradient: Tensor | null, index: number) => gradient ?? tf.zerosLike(weights[index]!));
    return { gradients, loss: value as Scalar, negativeLogLikelihood, correct };
  });
}

/** Adds up gradients of several batches; the summands are disposed. */
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
