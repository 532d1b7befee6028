import type { Batch } from '../data/batch.js';
import { toTensors } from '../model/batch-tensors.js';
import type { TrainableModel } from '../model/model.js';
import type { Task } from '../runtime/out-of-memory.js';
import { tf } from '../runtime/tf.js';
import { reportingOutOfMemory } from './batch-memory.js';
import { sequenceLoss } from './sequence-loss.js';

/** Scores of references under teacher forcing. */
export interface TeacherForcedScores {
  /** Mean cross-entropy of a target token in nats, with label smoothing. */
  readonly loss: number;
  /** Exponential of the mean cross-entropy of a target token, without label smoothing. */
  readonly perplexity: number;
  /** Proportion of target tokens to which the model gives the highest probability, 0 to 1. */
  readonly accuracy: number;
  /** Target tokens, `</s>` included. */
  readonly tokens: number;
}

/**
 * Computes loss, perplexity and accuracy over batches, with teacher forcing and without dropout.
 *
 * @param task for the message if memory runs out
 * @throws S2sError `out-of-memory`
 */
export function evaluateLoss(
  model: TrainableModel,
  batches: Iterable<Batch>,
  labelSmoothing: number,
  task: Task = { name: 'the scoring of references', remedy: 'decoding' },
): TeacherForcedScores {
  let loss = 0;
  let negativeLogLikelihood = 0;
  let correct = 0;
  let tokens = 0;
  for (const batch of batches) {
    reportingOutOfMemory(batch, task, () =>
      tf.tidy(() => {
        const sums = sequenceLoss(model, toTensors(batch), { labelSmoothing, divisor: 1 });
        loss += sums.loss.dataSync()[0]!;
        negativeLogLikelihood += sums.negativeLogLikelihood.dataSync()[0]!;
        correct += sums.correct.dataSync()[0]!;
      }),
    );
    for (const length of batch.targetLengths) tokens += length;
  }
  return {
    loss: loss / tokens,
    perplexity: Math.exp(negativeLogLikelihood / tokens),
    accuracy: correct / tokens,
    tokens,
  };
}
