import type { Scalar, Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TrainingConfig } from '../config/schema.js';
import type { Batch } from '../data/batch.js';
import type { TrainableModel } from '../model/model.js';
import { clippingFactor } from '../optim/clip.js';
import type { Optimizer } from '../optim/optimizer.js';
import { DropoutSeeds } from '../runtime/ops/dropout.js';
import { globalNorm } from '../runtime/ops/optimizer-updates.js';
import { tf } from '../runtime/tf.js';
import { addGradients, computeGradients } from './gradients.js';

const NON_FINITE = ['loss', 'perplexity', 'gradient'] as const;

/**
 * The quantity that was infinite or NaN, so that the update was skipped; in distributed training, on any worker. The
 * perplexity of a batch overflows from a cross-entropy of 710 nats per token on, which no model reaches that is still
 * learning.
 */
export type NonFiniteValue = (typeof NON_FINITE)[number];

/**
 * All-reduce of distributed training: sums each tensor elementwise over all workers. Disposes the tensors and returns
 * new ones of the same shapes, which the caller disposes.
 */
export type Reduce = (tensors: readonly Tensor[]) => Promise<readonly Tensor[]>;

/** Result of one update, summed over its batches. */
export interface UpdateResult {
  /** False if the update was skipped because something was not finite. */
  readonly applied: boolean;
  /** Undefined if the update was applied. */
  readonly notFinite: NonFiniteValue | undefined;
  /** Index of the first batch with a non-finite loss or perplexity; undefined if all were finite. */
  readonly nonFiniteBatch: number | undefined;
  /** Training loss with label smoothing, per token or per sentence (`training.lossNormalization`). */
  readonly loss: number;
  /** In nats, summed over target tokens, without label smoothing. */
  readonly negativeLogLikelihood: number;
  /** Global norm before clipping. */
  readonly gradientNorm: number;
  readonly sentences: number;
  /** Tokens without padding, `</s>` included. */
  readonly sourceTokens: number;
  readonly targetTokens: number;
  /** Padding of source and target. */
  readonly paddingTokens: number;
}

/**
 * One optimiser step. The gradients of several batches are accumulated, with the same result as for one large batch.
 *
 * @param settings.update number of the update, from 1, for the dropout seeds and Adam's bias correction
 * @param settings.lossFactor loss scale of mixed precision training (`LossScale`); default 1
 * @param settings.reduce all-reduce of counts, losses and gradients over the workers of distributed training; undefined
 *   for a single worker
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

  const { kernels } = model.parameters.policy;
  const scalars = [losses, likelihoods, [globalNorm(gradients, kernels)]];
  const [lossOfBatch, likelihoodOfBatch, [norm]] = readTogether(...scalars) as [number[], number[], [number]];
  const gradientNorm = norm / lossFactor;
  const perplexityOfBatch = likelihoodOfBatch.map((value, index) => Math.exp(value / sizes[index]!.target));
  const nonFiniteBatch = lossOfBatch.findIndex(
    (value, index) => !Number.isFinite(value) || !Number.isFinite(perplexityOfBatch[index]),
  );
  const ownNonFinite = findNonFinite(lossOfBatch, perplexityOfBatch, gradientNorm);
  const [loss, negativeLogLikelihood, ...workers] = await reduceNumbers(
    [sum(lossOfBatch) / lossFactor, sum(likelihoodOfBatch), ...NON_FINITE.map((kind) => Number(kind === ownNonFinite))],
    reduce,
  );
  // All workers must make the same decision.
  const notFinite = NON_FINITE[workers.findIndex((count) => count > 0)];
  const applied = notFinite === undefined;
  const gradientFactor = clippingFactor(gradientNorm, training.clipNorm, lossFactor);
  // The optimiser updates weights in place: TensorFlow would copy them first if a tensor still referred to them.
  model.parameters.release();
  if (applied) {
    const { learningRate, update } = settings;
    optimizer.apply(gradients, { learningRate, update, gradientFactor, kernels });
  }
  for (const gradient of gradients) gradient.dispose();

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

/** Sums numbers over all workers. */
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

function findNonFinite(
  losses: readonly number[],
  perplexities: readonly number[],
  gradientNorm: number,
): NonFiniteValue | undefined {
  if (!losses.every(Number.isFinite)) return 'loss';
  if (!perplexities.every(Number.isFinite)) return 'perplexity';
  return Number.isFinite(gradientNorm) ? undefined : 'gradient';
}

/** Reads and disposes scalars. All are read at once, so that each step waits for the device once. */
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
