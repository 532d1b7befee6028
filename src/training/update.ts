import type { Scalar, Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TrainingConfig } from '../config/schema.js';
import type { Batch } from '../data/batch.js';
import type { TrainableModel } from '../model/model.js';
import { clipByGlobalNorm } from '../optim/clip.js';
import type { Optimizer } from '../optim/optimizer.js';
import { DropoutSeeds } from '../runtime/ops/dropout.js';
import { globalNorm } from '../runtime/ops/optimizer-updates.js';
import { tf } from '../runtime/tensorflow.js';
import { addGradients, computeGradients } from './gradients.js';

/**
 * What prevents an update when it is infinite or NaN. The perplexity of a batch is infinite from a cross-entropy of 710
 * nats a token on: no model that is still learning is that wrong.
 */
export type NotFinite = 'loss' | 'perplexity' | 'gradient';

/** What one update saw: sums over its batches. */
export interface UpdateResult {
  /** False when something was not finite; the weights are then as before. */
  readonly applied: boolean;
  /** What was not finite; undefined when the update was applied. */
  readonly notFinite: NotFinite | undefined;
  /** Index of the first batch whose loss or perplexity was not finite; undefined when all were finite. */
  readonly nonFiniteBatch: number | undefined;
  /** Smoothed loss as minimised: per token or per sentence, as configured. */
  readonly loss: number;
  /** In nats, summed over target tokens, without smoothing. */
  readonly negativeLogLikelihood: number;
  readonly gradientNorm: number;
  readonly sentences: number;
  /** Real tokens, `</s>` counted. */
  readonly sourceTokens: number;
  readonly targetTokens: number;
  /** Padded positions of both sides. */
  readonly paddingTokens: number;
}

/**
 * One optimiser step over one or more batches, their gradients added up as if they were one batch.
 *
 * @param settings.update number of the update, from 1: names the dropout masks and corrects Adam's moments
 * @param settings.lossFactor what the loss is multiplied by while its gradient is computed (`LossScale`); 1 when not given
 */
export function update(
  model: TrainableModel,
  optimizer: Optimizer,
  batches: readonly Batch[],
  settings: { training: TrainingConfig; seed: number; update: number; learningRate: number; lossFactor?: number },
): UpdateResult {
  const { training, lossFactor = 1 } = settings;
  const sizes = batches.map(batchTokens);
  const sentences = sum(batches.map(({ batch }) => batch));
  const targetTokens = sum(sizes.map(({ target }) => target));
  const divisor = training.lossNormalization === 'token' ? targetTokens : sentences;

  let gradients: readonly Tensor[] | undefined;
  const losses: Scalar[] = [];
  const likelihoods: Scalar[] = [];
  for (const [index, batch] of batches.entries()) {
    const seeds = new DropoutSeeds(settings.seed, settings.update * training.batch.accumulate + index);
    const result = computeGradients(model, batch, { labelSmoothing: training.labelSmoothing, divisor: divisor / lossFactor, seeds });
    losses.push(result.loss);
    likelihoods.push(result.negativeLogLikelihood);
    result.correct.dispose();
    gradients = addGradients(gradients, result.gradients);
  }
  gradients ??= [];

  const [lossOfBatch, likelihoodOfBatch, [norm]] = readTogether(losses, likelihoods, [globalNorm(gradients)]) as [number[], number[], [number]];
  const gradientNorm = norm / lossFactor;
  const loss = sum(lossOfBatch) / lossFactor;
  const negativeLogLikelihood = sum(likelihoodOfBatch);
  const perplexityOfBatch = likelihoodOfBatch.map((value, index) => Math.exp(value / sizes[index]!.target));
  const nonFiniteBatch = lossOfBatch.findIndex((value, index) => !Number.isFinite(value) || !Number.isFinite(perplexityOfBatch[index]));
  const notFinite = whatIsNotFinite(lossOfBatch, perplexityOfBatch, gradientNorm);
  const applied = notFinite === undefined;
  const clipped = clipByGlobalNorm(gradients, gradientNorm, training.clipNorm, lossFactor);
  // The optimiser changes weights in place; a read still alive would make TensorFlow copy them first.
  model.parameters.release();
  if (applied) optimizer.apply(clipped, settings.learningRate, settings.update);
  for (const gradient of clipped) gradient.dispose();

  const sourceTokens = sum(sizes.map(({ source }) => source));
  const positions = sum(batches.map(({ batch, sourceTime, targetTime }) => batch * (sourceTime + targetTime)));
  return {
    applied,
    notFinite,
    nonFiniteBatch: nonFiniteBatch < 0 ? undefined : nonFiniteBatch,
    loss,
    negativeLogLikelihood,
    gradientNorm,
    sentences,
    sourceTokens,
    targetTokens,
    paddingTokens: positions - sourceTokens - targetTokens,
  };
}

function whatIsNotFinite(losses: readonly number[], perplexities: readonly number[], gradientNorm: number): NotFinite | undefined {
  if (!losses.every(Number.isFinite)) return 'loss';
  if (!perplexities.every(Number.isFinite)) return 'perplexity';
  return Number.isFinite(gradientNorm) ? undefined : 'gradient';
}

/** Values of lists of scalars, which are disposed: read at once, so that a device is waited for once a step. */
function readTogether(...lists: readonly (readonly Scalar[])[]): number[][] {
  const scalars = lists.flat();
  const together = tf.stack(scalars);
  const values = [...together.dataSync()];
  for (const tensor of [...scalars, together]) tensor.dispose();
  return lists.map(({ length }) => values.splice(0, length));
}

function batchTokens({ sourceLengths, targetLengths }: Batch): { source: number; target: number } {
  return { source: sum(sourceLengths), target: sum(targetLengths) };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
