import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { BatchTensors } from '../model/batch-tensors.js';
import type { TrainableModel } from '../model/model.js';
import { projectedCrossEntropy, type CrossEntropyInputs } from '../runtime/ops/cross-entropy.js';
import type { DropoutSeeds } from '../runtime/ops/dropout.js';
import { tf } from '../runtime/tf.js';
import { outputsOfLabels } from './outputs-of-labels.js';

/** The loss of one batch; all are scalars on the device. */
export interface SequenceLoss {
  /** Smoothed cross-entropy summed over real target tokens, divided by `divisor`: what is minimised. */
  readonly loss: Scalar;
  /** Cross-entropy without smoothing, summed over real target tokens, in nats: the logarithm of perplexity times tokens. */
  readonly negativeLogLikelihood: Scalar;
  /** Number of real positions at which the most probable token is the right one. */
  readonly correct: Scalar;
}

/**
 * Masked sequence loss of a batch under teacher forcing: padded positions are left out before the output projection, so
 * they cost nothing and change nothing.
 *
 * @param settings.divisor what the sum is divided by: the tokens or the sentences of the whole update
 * @param settings.seeds dropout masks; without it there is no dropout
 */
export function sequenceLoss(
  model: TrainableModel,
  batch: BatchTensors,
  settings: { labelSmoothing: number; divisor: number; seeds?: DropoutSeeds },
): SequenceLoss {
  const { hidden, auxiliaryLosses } = model.teacherForcing(batch, { seeds: settings.seeds });
  const inputs: CrossEntropyInputs = {
    hidden: outputsOfLabels(hidden, batch),
    kernel: model.parameters.get<Tensor2D>(model.outputKernel),
    bias: model.parameters.get<Tensor1D>(model.outputBias),
    labels: batch.labels,
    weights: tf.mul(batch.real, 1 / settings.divisor),
    labelSmoothing: settings.labelSmoothing,
  };
  const sums = projectedCrossEntropy(inputs, model.parameters.policy);
  const loss = Object.values(auxiliaryLosses).reduce(
    (sum, term) => tf.add(sum, tf.div(term, settings.divisor)),
    sums.loss,
  );
  return { ...sums, loss };
}
