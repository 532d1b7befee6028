import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shapeOf, type Batch, type BatchShape, type EncodedCorpus } from '../../../src/data/batch.js';
import {
  BatchSource,
  evaluationBatches,
  largestBatch,
  makeBatch,
  type BatchOptions,
} from '../../../src/data/batches.js';
import { corpusOf, messageOf, randomCorpus } from './fixtures.js';

function epochOf(source: BatchSource, epoch: number): Batch[] {
  source.seek({ epoch, batch: 0 });
  return Array.from({ length: source.batchesInEpoch(epoch) }, () => source.next());
}

const indicesOf = (batches: readonly Batch[]) => batches.flatMap(({ indices }) => [...indices]);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);
const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

/** Corpora of any shape, including long sentences. */
const corpora = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 30 })), { minLength: 1, maxLength: 80 })
  .map((lengths) => corpusOf(lengths));
const batchOptions = fc.record({
  seed: fc.nat(),
  size: fc.integer({ min: 1, max: 200 }),
  unit: fc.constantFrom('tokens' as const, 'sentences' as const),
});

test('a batch has the padded ids of its pairs, with <s> and </s>', () => {
  const ids: Record<string, number[][]> = { source: [[7, 8], [9]], target: [[5], [4, 6, 4]] };
  const side = (name: string) => (index: number) => Int32Array.from(ids[name]![index]!);
  const corpus: EncodedCorpus = {
    size: 2,
    source: side('source'),
    target: side('target'),
    sourceLength: (i) => ids['source']![i]!.length,
    targetLength: (i) => ids['target']![i]!.length,
  };
  const batch = makeBatch(corpus, [1, 0]);
  assert.deepEqual(
    { ...batch },
    {
      batch: 2,
      sourceTime: 3,
      targetTime: 4,
      source: Int32Array.from([9, 3, 0, 7, 8, 3]),
      sourceLengths: Int32Array.from([2, 3]),
      decoderInput: Int32Array.from([2, 4, 6, 4, 2, 5, 0, 0]),
      labels: Int32Array.from([4, 6, 4, 3, 5, 3, 0, 0]),
      targetLengths: Int32Array.from([4, 2]),
      indices: Int32Array.from([1, 0]),
    },
  );
});

test('an epoch has every pair exactly once, for any lengths and batch sizes', () => {
  fc.assert(
    fc.property(corpora, batchOptions, fc.nat(3), (corpus, options, epoch) => {
      assert.deepEqual(sorted(indicesOf(epochOf(new BatchSource(corpus, options), epoch))), range(0, corpus.size));
    }),
  );
});

test('no batch exceeds the batch size, unless it is a single pair', () => {
  fc.assert(
    fc.property(corpora, batchOptions, (corpus, options) => {
      for (const { batch, targetTime } of epochOf(new BatchSource(corpus, options), 0)) {
        assert.ok(batch === 1 || (options.unit === 'tokens' ? batch * targetTime : batch) <= options.size);
      }
    }),
  );
});

test('source tokens are limited, too, for long sources with short targets', () => {
  const lengths = [
    ...Array.from({ length: 500 }, () => [10, 10] as const),
    ...Array.from({ length: 50 }, () => [200, 10] as const),
  ];
  for (const { batch, sourceTime } of epochOf(
    new BatchSource(corpusOf(lengths), { seed: 1, size: 1000, unit: 'tokens' }),
    0,
  )) {
    assert.ok(batch * sourceTime <= 2 * 1000 * 3);
  }
});

test('the order depends only on seed and epoch', () => {
  const corpus = randomCorpus(500);
  const order = (seed: number, epoch: number) =>
    indicesOf(epochOf(new BatchSource(corpus, { seed, size: 300, unit: 'tokens' }), epoch));
  assert.deepEqual(order(1, 3), order(1, 3));
  assert.notDeepEqual(order(1, 3), order(1, 4));
  assert.notDeepEqual(order(1, 3), order(2, 3));
});

test('pairs of equal length are grouped differently in every epoch, and batches are shuffled', () => {
  const corpus = randomCorpus(4000);
  const source = new BatchSource(corpus, { seed: 1, size: 512, unit: 'tokens' });
  const company = (batches: readonly Batch[]) => new Set(batches.map(({ indices }) => sorted([...indices]).join()));
  const [first, second] = [epochOf(source, 0), epochOf(source, 1)];
  const again = [...company(second)].filter((batch) => company(first).has(batch));
  assert.ok(again.length <= 1, 'only the few shortest pairs of all may find nobody else');
  const rises = first.filter((batch, i) => i > 0 && batch.targetTime > first[i - 1]!.targetTime).length;
  assert.ok(rises > 0.35 * first.length && rises < 0.65 * first.length, `${rises} of ${first.length}`);
});

test('a run resumed at any position has the batches of an uninterrupted one', () => {
  fc.assert(
    fc.property(corpora, batchOptions, fc.nat(60), (corpus, options, taken) => {
      const unbroken = new BatchSource(corpus, options);
      for (let i = 0; i < taken; i++) unbroken.next();
      const resumed = new BatchSource(corpus, options);
      resumed.seek(unbroken.position);
      for (let i = 0; i < 5; i++) {
        assert.deepEqual(resumed.next(), unbroken.next());
        assert.deepEqual(resumed.position, unbroken.position);
      }
    }),
    { numRuns: 50 },
  );
});

test('a position outside its epoch is an error', async () => {
  const source = new BatchSource(randomCorpus(20), { seed: 1, size: 5, unit: 'sentences' });
  source.seek({ epoch: 2, batch: 4 });
  assert.match(
    await messageOf(() => source.seek({ epoch: 2, batch: 5 })),
    /Cannot continue at batch 5 of epoch 2: the epoch has 4 batches/,
  );
});

test('a weight above 1 repeats pairs, and one below 1 selects a different part of them each epoch', () => {
  const corpus = randomCorpus(300);
  const ranges = [
    { start: 0, end: 100, weight: 2 },
    { start: 100, end: 200, weight: 0.5 },
    { start: 200, end: 300, weight: 1 },
  ];
  const source = new BatchSource(corpus, { seed: 1, size: 16, unit: 'sentences', ranges });
  const [first, second] = [indicesOf(epochOf(source, 0)), indicesOf(epochOf(source, 1))];
  const within = (indices: readonly number[], start: number) =>
    sorted(indices.filter((index) => index >= start && index < start + 100));
  assert.deepEqual(within(first, 0), sorted([...range(0, 100), ...range(0, 100)]));
  assert.equal(within(first, 100).length, 50);
  assert.deepEqual(within([...first, ...second], 100), range(100, 200), 'two halves make a whole');
  assert.deepEqual(within(first, 200), range(200, 300));
  assert.notDeepEqual(within(first, 100), range(100, 150), 'the half is a random one');
});

test('a weight of less than one pair per epoch is accurate over many epochs', () => {
  const source = new BatchSource(randomCorpus(10), {
    seed: 3,
    size: 4,
    unit: 'sentences',
    ranges: [
      { start: 0, end: 3, weight: 0.25 },
      { start: 3, end: 10, weight: 0.1 },
    ],
  });
  const seen = indicesOf(Array.from({ length: 40 }, () => source.next()));
  assert.deepEqual([...new Set(sorted(seen))], range(0, 10));
});

test('the largest batch has the most memory, for any monotonic estimate', () => {
  const needs: ((shape: BatchShape) => number)[] = [
    ({ sentences, sourceTime, targetTime }) => sentences * (sourceTime + targetTime),
    ({ sentences, sourceTime, targetTime }) => sentences * sourceTime * targetTime,
    ({ sentences, targetTime }) => sentences * targetTime ** 2,
    ({ sourceTime }) => sourceTime,
  ];
  fc.assert(
    fc.property(corpora, batchOptions, fc.constantFrom(...needs), (corpus, options, need) => {
      const source = new BatchSource(corpus, options);
      const ofBatch = (batch: Batch) => need(shapeOf(batch));
      assert.equal(
        ofBatch(largestBatch(corpus, source.largestShapes(0), need)),
        Math.max(...epochOf(source, 0).map(ofBatch)),
      );
    }),
  );
});

test('there are few largest shapes, and computing them does not change the position', () => {
  const source = new BatchSource(randomCorpus(20_000), { seed: 1, size: 512, unit: 'tokens' });
  source.seek({ epoch: 1, batch: 2 });
  const shapes = source.largestShapes(0);
  assert.ok(shapes.length < source.batchesInEpoch(0) / 4, `${shapes.length} of ${source.batchesInEpoch(0)}`);
  assert.deepEqual(source.position, { epoch: 1, batch: 2 });
});

test('evaluation batches have every pair once, including empty ones, in a fixed order', () => {
  fc.assert(
    fc.property(corpora, fc.integer({ min: 1, max: 300 }), (corpus, tokens) => {
      const batches = [...evaluationBatches(corpus, tokens)];
      assert.deepEqual(sorted(indicesOf(batches)), range(0, corpus.size));
      assert.deepEqual(batches, [...evaluationBatches(corpus, tokens)]);
      for (const { batch, sourceTime, targetTime } of batches)
        assert.ok(batch === 1 || batch * Math.max(sourceTime, targetTime) <= tokens);
    }),
  );
});

test('statistics count tokens and padding', () => {
  const options: BatchOptions = { seed: 1, size: 2, unit: 'sentences' };
  const statistics = new BatchSource(
    corpusOf([
      [1, 3],
      [3, 3],
    ]),
    options,
  ).statistics(0);
  assert.deepEqual(statistics, {
    batches: 1,
    pairs: 2,
    sourceTokens: 6,
    targetTokens: 8,
    sourcePositions: 8,
    targetPositions: 8,
    paddingShare: 1 - 14 / 16,
  });
});

test('an empty corpus is an error', async () => {
  assert.match(
    await messageOf(() => new BatchSource(corpusOf([]), { seed: 1, size: 2, unit: 'sentences' })),
    /no sentence pairs/,
  );
});
