import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { BatchTensors } from '../model/batch-tensors.js';
import type { TrainableModel } from '../model/model.js';
import { projectedCrossEntropy, type CrossEntropyInputs } from '../runtime/ops/cross-entropy.js';
import type { DropoutSeeds } from '../runtime/ops/dropout.js';
import { selectRows } from '../runtime/ops/embedding.js';
import { tf } from '../runtime/tf.js';

/** Loss of one batch: scalars on the device. */
export interface SequenceLoss {
  /** Training loss: cross-entropy with label smoothing, summed over target tokens and divided by `divisor`. */
  readonly loss: Scalar;
  /** Cross-entropy without label smoothing in nats, summed over target tokens without padding. */
  readonly negativeLogLikelihood: Scalar;
  /** Number of target tokens without padding that have the highest probability. */
  readonly correct: Scalar;
}

/**
 * Masked sequence loss of a batch with teacher forcing. Padding is removed before the output projection: it neither
 * costs time nor affects the loss.
 *
 * @param settings.divisor of the summed loss: tokens or sentences of the whole update
 * @param settings.seeds of the dropout masks; undefined disables dropout
 */
export function sequenceLoss(
  model: TrainableModel,
  batch: BatchTensors,
  settings: { labelSmoothing: number; divisor: number; seeds?: DropoutSeeds },
): SequenceLoss {
  const { hidden, auxiliaryLosses } = model.teacherForcing(batch, { seeds: settings.seeds });
  const inputs: CrossEntropyInputs = {
    hidden: unpaddedOutputs(hidden, batch),
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

/**
 * Selects the decoder outputs at target positions without padding.
 *
 * @param outputs [batch * targetTime, hidden]
 * @returns [labels, hidden], in the order of `batch.labels`; `outputs` itself if the batch has no padding
 */
export function unpaddedOutputs(outputs: Tensor2D, { positions }: Pick<BatchTensors, 'positions'>): Tensor2D {
  return positions === undefined ? outputs : selectRows(outputs, positions);
}
