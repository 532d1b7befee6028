import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Batch, EncodedCorpus } from '../../../src/data/batch.js';
import { BatchSource, makeBatch } from '../../../src/data/batches.js';
import { scoreBatch } from '../../../src/loss/score.js';
import { buildModel } from '../../../src/model/build.js';
import type { TrainableModel } from '../../../src/model/model.js';
import { Random } from '../../../src/random.js';
import { PORTABLE_POLICY, type ComputePolicy } from '../../../src/runtime/policy.js';
import { loadTensorFlow, policyFor } from '../../../src/runtime/tensorflow.js';
import { computeGradients } from '../../../src/training/gradients.js';
import { tinyModel } from '../../support/models.js';
import { sentenceLoss, type SentenceLoss, type SentencePair } from '../../support/one-sentence.js';
import { relativeError } from '../../support/policies.js';

const VOCABULARY = 12;
const SMOOTHING = 0.1;
/** Number of different sentence pairs, from which batches are sampled with replacement. */
const PAIRS = 48;
const LONGEST = 11;
/** Number of batches tested per batch size. */
const BATCHES_OF_A_SIZE = 5;

/**
 * Bounds on relative differences. The reference computes in float32. bfloat16 has 8 significant bits, so each product
 * has relative errors of up to 2^-8 in both factors; `margin` is the distance between logits within which the largest
 * one may change.
 */
const BOUNDS = {
  float32: { loss: 1e-5, gradient: 5e-5, margin: 1e-4 },
  bfloat16: { loss: 5e-3, gradient: 5e-2, margin: 0.1 },
} as const;

/** Rows of left factors are padded only where TensorFlow computes the products. */
const VARIANTS = (['float32', 'bfloat16'] as const).flatMap((precision) =>
  [false, true].map((customProducts) => ({
    name: `${precision}, ${customProducts ? 'custom products' : 'products of TensorFlow'}`,
    precision,
    customProducts,
    ...BOUNDS[precision],
  })),
);

/** Sizes around the multiples to which rows are padded: 16, 64, and a sixteenth of a power of two. */
const SIZES = {
  sentences: [1, 2, 15, 16, 17, 63, 64, 65],
  tokens: [15, 16, 17, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 600],
} as const;

function randomPairs(random: Random): SentencePair[] {
  const ids = (length: number): number[] => Array.from({ length }, () => 4 + random.integer(VOCABULARY - 4));
  return Array.from({ length: PAIRS }, () => ({
    source: ids(1 + random.integer(LONGEST)),
    target: ids(1 + random.integer(LONGEST)),
  }));
}

function corpusOf(pairs: readonly SentencePair[]): EncodedCorpus {
  return {
    size: pairs.length,
    sourceLength: (index) => pairs[index]!.source.length,
    targetLength: (index) => pairs[index]!.target.length,
    source: (index) => Int32Array.from(pairs[index]!.source),
    target: (index) => Int32Array.from(pairs[index]!.target),
  };
}

function realTokens({ targetLengths }: Batch): number {
  return targetLengths.reduce((sum, length) => sum + length, 0);
}

/** Whether a batch with padding has as many outputs as real tokens rounded up to a multiple of 64. */
function looksUnpadded(batch: Batch): boolean {
  const outputs = batch.batch * batch.targetTime;
  return realTokens(batch) < outputs && Math.ceil(realTokens(batch) / 64) * 64 === outputs;
}

function isUnpadded(batch: Batch): boolean {
  return realTokens(batch) === batch.batch * batch.targetTime;
}

describe('the loss of a batch is the sum over its sentences', () => {
  /** The same model with each policy. */
  let models: TrainableModel[];
  let corpus: EncodedCorpus;
  /** Losses and gradients of single pairs, which sum to those of a batch. */
  let alone: SentenceLoss[];

  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
    const random = new Random(3);
    const vocabulary = { source: VOCABULARY, target: VOCABULARY };
    const build = (policy: ComputePolicy): TrainableModel =>
      buildModel(tinyModel({ initialization: 1 }), vocabulary, { random: random.derive('model'), policy });
    models = VARIANTS.map(({ precision, customProducts }) => build({ ...policyFor(precision), customProducts }));
    const plain = build(PORTABLE_POLICY);
    // Large output weights, so that the argmax is clear at most positions.
    for (const [name, { data }] of await plain.parameters.values()) {
      if (!name.startsWith('output')) continue;
      const values = data.map(() => 2 * random.normal());
      for (const model of [plain, ...models]) model.parameters.assign(name, values);
    }
    const pairs = randomPairs(random.derive('pairs'));
    corpus = corpusOf(pairs);
    alone = pairs.map((pair) => sentenceLoss(plain, pair, SMOOTHING));
    plain.dispose();
  });

  function check(batch: Batch, variant: (typeof VARIANTS)[number], divisor: number): void {
    const { name: variantName, loss, gradient, margin } = variant;
    const model = models[VARIANTS.indexOf(variant)]!;
    const sentences = [...batch.indices].map((index) => alone[index]!);
    const sum = (of: (sentence: SentenceLoss) => number): number =>
      sentences.reduce((total, sentence) => total + of(sentence), 0);
    const sizes = `${batch.batch} sentences, ${batch.batch * batch.targetTime} outputs, ${realTokens(batch)} tokens`;
    const shape = `${sizes}, ${variantName}`;
    const actual = computeGradients(model, batch, { labelSmoothing: SMOOTHING, divisor });
    const close = (name: string, value: number, expected: number): void =>
      assert.ok(
        Math.abs(value - expected) <= loss * Math.abs(expected),
        `${name} of ${shape}: ${value}, sentence by sentence ${expected}`,
      );
    close('loss', actual.loss.dataSync()[0]!, sum((sentence) => sentence.loss) / divisor);
    close(
      'negative log-likelihood',
      actual.negativeLogLikelihood.dataSync()[0]!,
      sum(({ negativeLogLikelihood }) => negativeLogLikelihood),
    );
    const doubtful = sum(({ margins }) => margins.filter((value) => value < margin).length);
    const correct = actual.correct.dataSync()[0]!;
    assert.ok(
      Math.abs(correct - sum((sentence) => sentence.correct)) <= doubtful,
      `${correct} correct tokens of ${shape}, sentence by sentence ${sum((sentence) => sentence.correct)}`,
    );
    for (const [number, name] of model.parameters.names.entries()) {
      const sums = (part: (value: number) => number): Float64Array =>
        Float64Array.from(
          alone[0]!.gradients[number]!,
          (_, index) => sum(({ gradients }) => part(gradients[number]![index]!)) / divisor,
        );
      const found = actual.gradients[number]!.dataSync();
      const largest = sums((value) => value).reduce(
        (most, value, index) => Math.max(most, Math.abs(value - found[index]!)),
        0,
      );
      // The gradients of sentences may cancel out, their rounding errors do not: relative to the sum of magnitudes.
      const error = largest / Math.max(...sums(Math.abs));
      assert.ok(error <= gradient, `gradient of ${name}, ${shape}: relative difference ${error}`);
    }
    for (const tensor of [...actual.gradients, actual.loss, actual.negativeLogLikelihood, actual.correct])
      tensor.dispose();
    const scores = scoreBatch(model, batch);
    const expectedScores = sentences.map(({ negativeLogLikelihood }) => -negativeLogLikelihood);
    assert.ok(relativeError(scores, expectedScores) <= 2 * loss, `scores of ${shape}`);
  }

  for (const bounds of VARIANTS) {
    for (const unit of ['sentences', 'tokens'] as const) {
      test(`in batches by ${unit}, ${bounds.name}`, () => {
        for (const size of SIZES[unit]) {
          // Every pair occurs eight times, so that there are many large batches, too.
          const ranges = [{ start: 0, end: corpus.size, weight: 8 }];
          const batches = new BatchSource(corpus, { seed: size, size, unit, ranges });
          for (let number = 0; number < Math.min(BATCHES_OF_A_SIZE, batches.batchesInEpoch(0)); number++) {
            const batch = batches.next();
            check(batch, bounds, unit === 'tokens' ? realTokens(batch) : batch.batch);
          }
        }
      });
    }

    test(`in batches of random sentences, ${bounds.name}`, () => {
      const random = new Random(8);
      const draw = (from: readonly number[]): Batch =>
        makeBatch(
          corpus,
          Array.from({ length: 1 + random.integer(70) }, () => from[random.integer(from.length)]!),
        );
      const all = [...alone.keys()];
      const long = all.filter((index) => corpus.targetLength(index) >= LONGEST - 1);
      let [padded, unpadded] = [0, 0];
      // Until there were enough batches with padding that their shape does not reveal, and batches without padding.
      while (padded < 8 || unpadded < 8) {
        const batch = draw(random.integer(2) === 0 ? long : all);
        if (padded < 8 && looksUnpadded(batch)) padded++;
        else if (unpadded < 8 && isUnpadded(batch)) unpadded++;
        else if (random.integer(8) > 0) continue;
        check(batch, bounds, batch.batch);
      }
      for (const count of [1, 15, 16, 17, 31, 32, 64, 65]) {
        const length = 1 + random.integer(LONGEST);
        const same = all.filter((index) => corpus.targetLength(index) === length);
        check(
          makeBatch(
            corpus,
            Array.from({ length: count }, () => same[random.integer(same.length)] ?? 0),
          ),
          bounds,
          count,
        );
      }
    });
  }
});
