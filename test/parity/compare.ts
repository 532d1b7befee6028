import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { makeBatch } from '../../src/data/batches.js';
import type { Batch } from '../../src/data/batch.js';
import { translateBatch } from '../../src/decoding/search.js';
import { unpaddedOutputs } from '../../src/loss/sequence-loss.js';
import { toTensors } from '../../src/model/batch-tensors.js';
import { buildModel } from '../../src/model/build.js';
import type { TrainableModel } from '../../src/model/model.js';
import { Optimizer } from '../../src/optim/optimizer.js';
import { matMul } from '../../src/runtime/ops/matmul.js';
import type { ComputePolicy } from '../../src/runtime/policy.js';
import { tf } from '../../src/runtime/tf.js';
import { computeGradients } from '../../src/training/gradients.js';
import { update } from '../../src/training/update.js';
import { EOS } from '../../src/vocab/special.js';
import type { SentencePair } from '../support/one-sentence.js';
import type { ExpectedCase, ReferenceBatch, ReferenceTranslations } from './reference.js';

/** The quantities that are compared. All differences are relative to the reference. */
export const QUANTITIES = [
  'log-probabilities',
  'attention',
  'loss',
  'correct tokens',
  'gradient',
  'gradient norm',
  'update',
  'translations',
  'score',
] as const;
export type Quantity = (typeof QUANTITIES)[number];

/** One comparison. */
export interface Difference {
  readonly quantity: Quantity;
  /** Relative difference; for translations and correct tokens, the number of differences where the choice is clear. */
  readonly value: number;
  /** What was compared, for messages. */
  readonly where: string;
}

/** Minimum difference of log-probabilities between alternatives for their choice to be compared. */
export interface Margins {
  /** Between the two most probable tokens. */
  readonly token: number;
  /** Between hypotheses of beam search: the errors of their tokens add up. */
  readonly search: number;
}

/** A gradient is compared relative to its largest element, or to this fraction of the largest of all gradients. */
const GRADIENT_FLOOR = 0.01;

/** Compares all results of a case with the reference, each batch with one of the policies. */
export async function compareCase(
  expected: ExpectedCase,
  policies: readonly ComputePolicy[],
  margins: Margins,
): Promise<Difference[]> {
  const found: Difference[] = [];
  for (const [index, policy] of policies.entries()) {
    const batches = expected.batches.flatMap((_, number) => (number % policies.length === index ? [number] : []));
    found.push(...(await compareBatches(expected, batches, policy, margins)));
  }
  return found;
}

async function compareBatches(
  expected: ExpectedCase,
  batches: readonly number[],
  policy: ComputePolicy,
  margins: Margins,
): Promise<Difference[]> {
  const { model: config, vocabulary, training } = expected.request;
  const model = buildModel(config, vocabulary, { random: undefined, policy });
  const optimizer = new Optimizer(
    training.optimizer,
    model.parameters.names.map((name) => ({ name, weights: model.parameters.storedTensor(name) })),
  );
  try {
    const found: Difference[] = [];
    for (const number of batches) {
      const reference = expected.batches[number]!;
      const { pairs, translate } = expected.request.batches[number]!;
      const batch = batchOfPairs(pairs);
      const shape = `${batch.batch} x ${batch.sourceTime} to ${batch.batch} x ${batch.targetTime}`;
      const where = `case ${expected.request.seed}, batch ${number} (${shape})`;
      restore(model, optimizer, expected.weights);
      found.push(...compareLogProbabilities(model, batch, reference, where));
      found.push(...compareAttention(model, batch, reference, where));
      found.push(...compareGradients(model, batch, expected, reference, margins, where));
      const sources = pairs.slice(0, translate).map(({ source }) => [...source, EOS]);
      for (const [search, options] of expected.request.searches.entries()) {
        const translations = await translateBatch(model, sources, options);
        for (const [sentence, hypotheses] of translations.entries()) {
          const place = `${where}, search ${search}, sentence ${sentence}`;
          found.push(...compareTranslations(hypotheses, reference.searches[search]![sentence]!, margins, place));
        }
      }
      found.push(...(await compareUpdate(model, optimizer, batch, expected, reference, where)));
      model.parameters.release();
    }
    return found;
  } finally {
    model.dispose();
    optimizer.dispose();
  }
}

function batchOfPairs(pairs: readonly SentencePair[]): Batch {
  const corpus = {
    size: pairs.length,
    sourceLength: (index: number) => pairs[index]!.source.length,
    targetLength: (index: number) => pairs[index]!.target.length,
    source: (index: number) => Int32Array.from(pairs[index]!.source),
    target: (index: number) => Int32Array.from(pairs[index]!.target),
  };
  return makeBatch(corpus, [...pairs.keys()]);
}

function restore(model: TrainableModel, optimizer: Optimizer, weights: ReadonlyMap<string, Float32Array>): void {
  for (const [name, data] of weights) {
    if (model.parameters.has(name)) model.parameters.assign(name, data);
    else optimizer.assign(name, data);
  }
}

function compareLogProbabilities(
  model: TrainableModel,
  batch: Batch,
  reference: ReferenceBatch,
  where: string,
): Difference[] {
  const expected = reference.tensors.get('logProbabilities')!;
  const tokens = batch.targetLengths.reduce((sum, length) => sum + length, 0);
  const found = tf.tidy(() => {
    const tensors = toTensors(batch);
    const hidden = unpaddedOutputs(model.teacherForcing(tensors).hidden, tensors);
    const kernel = model.parameters.get<Tensor2D>(model.outputKernel);
    const bias = model.parameters.get<Tensor1D>(model.outputBias);
    const logits = matMul(hidden, kernel, model.parameters.policy, { transposeB: true, bias });
    return tf.slice(tf.logSoftmax(logits), 0, tokens).dataSync();
  });
  return [{ quantity: 'log-probabilities', value: relativeDifference(found, expected), where }];
}

/** Compares the attention weights at real positions, of every target token and `</s>`. */
function compareAttention(model: TrainableModel, batch: Batch, reference: ReferenceBatch, where: string): Difference[] {
  const expected = reference.tensors.get('attention');
  const found = tf.tidy(() => model.teacherForcing(toTensors(batch), { attention: true }).attention?.arraySync());
  if (found === undefined && expected === undefined) return [];
  const weights = (found ?? []).flatMap((rows, row) =>
    rows.slice(0, batch.targetLengths[row]).flatMap((ofToken) => ofToken.slice(0, batch.sourceLengths[row])),
  );
  return [{ quantity: 'attention', value: relativeDifference(weights, expected ?? []), where }];
}

/** Number of labels that are the most probable token, and of positions where this is not clear. */
function correctTokens(
  logProbabilities: Float32Array,
  batch: Batch,
  vocabulary: number,
  margin: number,
): { correct: number; doubtful: number } {
  let [correct, doubtful, position] = [0, 0, 0];
  for (let row = 0; row < batch.batch; row++) {
    for (let time = 0; time < batch.targetLengths[row]!; time++, position++) {
      const ofPosition = logProbabilities.subarray(position * vocabulary, (position + 1) * vocabulary);
      const [first, second] = [...ofPosition].sort((a, b) => b - a);
      if (first! - second! < margin) doubtful++;
      if (ofPosition[batch.labels[row * batch.targetTime + time]!] === first) correct++;
    }
  }
  return { correct, doubtful };
}

function compareGradients(
  model: TrainableModel,
  batch: Batch,
  { request }: ExpectedCase,
  reference: ReferenceBatch,
  margins: Margins,
  where: string,
): Difference[] {
  const { training } = request;
  const tokens = batch.targetLengths.reduce((sum, length) => sum + length, 0);
  const divisor = training.lossNormalization === 'token' ? tokens : batch.batch;
  const { gradients, loss, negativeLogLikelihood, correct } = computeGradients(model, batch, {
    labelSmoothing: training.labelSmoothing,
    divisor,
  });
  const expected = model.parameters.names.map((name) => reference.tensors.get(`gradient/${name}`)!);
  const floor = GRADIENT_FLOOR * Math.max(...expected.map(largest));
  const tokensRight = correctTokens(
    reference.tensors.get('logProbabilities')!,
    batch,
    model.targetVocabularySize,
    margins.token,
  );
  const differences: Difference[] = [
    {
      quantity: 'correct tokens',
      value: Math.max(0, Math.abs(correct.dataSync()[0]! - tokensRight.correct) - tokensRight.doubtful),
      where,
    },
    { quantity: 'loss', value: relativeDifference(loss.dataSync(), [reference.loss]), where },
    {
      quantity: 'loss',
      value: relativeDifference(negativeLogLikelihood.dataSync(), [reference.negativeLogLikelihood]),
      where: `${where}, without smoothing`,
    },
    ...model.parameters.names.map((name, index): Difference => ({
      quantity: 'gradient',
      value: relativeDifference(gradients[index]!.dataSync(), expected[index]!, floor),
      where: `${where}, ${name}`,
    })),
  ];
  for (const tensor of [...gradients, loss, negativeLogLikelihood, correct]) tensor.dispose();
  return differences;
}

/** Updates the weights of the model. */
async function compareUpdate(
  model: TrainableModel,
  optimizer: Optimizer,
  batch: Batch,
  { request, weights }: ExpectedCase,
  reference: ReferenceBatch,
  where: string,
): Promise<Difference[]> {
  const { training } = request;
  const { gradientNorm } = await update(model, optimizer, [batch], {
    training,
    seed: 1,
    update: training.update,
    learningRate: training.optimizer.learningRate,
  });
  return [
    { quantity: 'gradient norm', value: relativeDifference([gradientNorm], [reference.gradientNorm]), where },
    ...model.parameters.names.map((name): Difference => {
      const before = weights.get(name)!;
      const after = tf.tidy(() => model.parameters.storedTensor(name).read().dataSync());
      return {
        quantity: 'update',
        value: relativeDifference(
          before.map((value, index) => after[index]! - value),
          reference.tensors.get(`change/${name}`)!,
        ),
        where: `${where}, ${name}`,
      };
    }),
  ];
}

/** Translations are not compared if beam search had to choose between nearly equal hypotheses. */
function compareTranslations(
  found: readonly { tokens: readonly number[]; score: number; logProbability: number; finished: boolean }[],
  { hypotheses, margin }: ReferenceTranslations,
  margins: Margins,
  where: string,
): Difference[] {
  if (margin < margins.search) return [];
  const same =
    found.length === hypotheses.length &&
    found.every(
      ({ tokens, finished }, rank) =>
        tokens.join() === hypotheses[rank]!.tokens.join() && finished === hypotheses[rank]!.finished,
    );
  const differences: Difference[] = [{ quantity: 'translations', value: same ? 0 : 1, where }];
  if (!same) return differences;
  const scores = (list: readonly { score: number; logProbability: number }[]): number[] =>
    list.flatMap(({ score, logProbability }) => [score, logProbability]);
  // Below 1, a log-probability is the difference of much larger logits, whose rounding errors it has.
  const value = relativeDifference(scores(found), scores(hypotheses), 1);
  return [...differences, { quantity: 'score', value, where }];
}

function largest(values: ArrayLike<number>): number {
  return Array.prototype.reduce.call(
    values,
    (most, value) => Math.max(most as number, Math.abs(value as number)),
    0,
  ) as number;
}

/** The largest difference relative to the largest expected number, or to `floor` if that is larger. */
function relativeDifference(found: ArrayLike<number>, expected: ArrayLike<number>, floor = 0): number {
  if (found.length !== expected.length) return Infinity;
  let difference = 0;
  for (let index = 0; index < expected.length; index++) {
    const gap = Math.abs(found[index]! - expected[index]!);
    if (!(gap <= difference)) difference = gap;
  }
  return difference === 0 ? 0 : difference / Math.max(largest(expected), floor);
}
