import type { Scalar, Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TrainingConfig } from '../config/schema.js';
import type { Batch } from '../data/batch.js';
import type { TrainableModel } from '../model/model.js';
import { clipByGlobalNorm } from '../optim/clip.js';
import type { Optimizer } from '../optim/optimizer.js';
import { DropoutSeeds } from '../runtime/ops/dropout.js';
import { globalNorm } from '../runtime/ops/optimizer-updates.js';
import { tf } from '../runtime/tf.js';
import { addGradients, computeGradients } from './gradients.js';

/**
 * What prevents an update when it is infinite or NaN. The perplexity of a batch is infinite from a cross-entropy of 710
 * nats a token on: no model that is still learning is that wrong.
 */
export type NotFinite = 'loss' | 'perplexity' | 'gradient';

/**
 * Sums tensors elementwise over all workers of a distributed training. Takes over the tensors, and returns as many of the same
 * shapes, which belong to the caller.
 */
export type Reduce = (tensors: readonly Tensor[]) => Promise<readonly Tensor[]>;

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
 * @param settings.reduce sums counts, losses and gradients over the workers of a distributed training; without it this process
 *   is the only worker
 */
export async function update(
  model: TrainableModel,
  optimizer: Optimizer,
  batches: readonly Batch[],
  settings: {
    training: TrainingConfig;
    seed: number;
    update: number;
    learningRate: number;
    lossFactor?: number | undefined;
    reduce?: Reduce | undefined;
  },
): Promise<UpdateResult> {
  const { training, lossFactor = 1, reduce } = settings;
  const sizes = batches.map(batchTokens);
  const positions = sum(batches.map(({ batch, sourceTime, targetTime }) => batch * (sourceTime + targetTime)));
  const [sentences, sourceTokens, targetTokens, allPositions] = await reduceNumbers(
    [
      sum(batches.map(({ batch }) => batch)),
      sum(sizes.map(({ source }) => source)),
      sum(sizes.map(({ target }) => target)),
      positions,
    ],
    reduce,
  );
  const divisor = training.lossNormalization === 'token' ? targetTokens : sentences;

  let gradients: readonly Tensor[] | undefined;
  const losses: Scalar[] = [];
  const likelihoods: Scalar[] = [];
  for (const [index, batch] of batches.entries()) {
    const seeds = new DropoutSeeds(settings.seed, settings.update * training.batch.accumulate + index);
    const result = computeGradients(model, batch, {
      labelSmoothing: training.labelSmoothing,
      divisor: divisor / lossFactor,
      seeds,
    });
    losses.push(result.loss);
    likelihoods.push(result.negativeLogLikelihood);
    result.correct.dispose();
    gradients = addGradients(gradients, result.gradients);
  }
  gradients ??= [];
  if (reduce !== undefined) gradients = await reduce(gradients);

  const scalars = [losses, likelihoods, [globalNorm(gradients, model.parameters.policy.kernels)]];
  const [lossOfBatch, likelihoodOfBatch, [norm]] = readTogether(...scalars) as [number[], number[], [number]];
  const gradientNorm = norm / lossFactor;
  const perplexityOfBatch = likelihoodOfBatch.map((value, index) => Math.exp(value / sizes[index]!.target));
  const nonFiniteBatch = lossOfBatch.findIndex(
    (value, index) => !Number.isFinite(value) || !Number.isFinite(perplexityOfBatch[index]),
  );
  const ofThisWorker = whatIsNotFinite(lossOfBatch, perplexityOfBatch, gradientNorm);
  const [loss, negativeLogLikelihood, workersNotFinite] = await reduceNumbers(
    [sum(lossOfBatch) / lossFactor, sum(likelihoodOfBatch), ofThisWorker === undefined ? 0 : 1],
    reduce,
  );
  // Every worker must decide alike.
  const notFinite = ofThisWorker ?? (workersNotFinite > 0 ? 'loss' : undefined);
  const applied = notFinite === undefined;
  const clipped = clipByGlobalNorm(gradients, gradientNorm, training.clipNorm, lossFactor);
  // The optimiser changes weights in place; a read still alive would make TensorFlow copy them first.
  model.parameters.release();
  if (applied) optimizer.apply(clipped, settings.learningRate, settings.update);
  for (const gradient of clipped) gradient.dispose();

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
    paddingTokens: allPositions - sourceTokens - targetTokens,
  };
}

/** Sums numbers over all workers; a single worker keeps its own. */
async function reduceNumbers<Numbers extends readonly [number, ...number[]]>(
  numbers: Numbers,
  reduce: Reduce | undefined,
): Promise<Numbers> {
  if (reduce === undefined) return numbers;
  const reduced = await reduce([tf.tensor1d([...numbers])]);
  const values = await reduced[0]!.data<'float32'>();
  for (const tensor of reduced) tensor.dispose();
  return [...values] as unknown as Numbers;
}

function whatIsNotFinite(
  losses: readonly number[],
  perplexities: readonly number[],
  gradientNorm: number,
): NotFinite | undefined {
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
