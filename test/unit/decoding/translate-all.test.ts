import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { translateBatch } from '../../../src/decoding/search.js';
import { lengthSortedBatches, translateAll } from '../../../src/decoding/translate-all.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { randomSources, TableModel } from './table-model.js';

before(async () => {
  await loadTensorFlow({ device: 'cpu' });
});

test('batches hold every sentence once, the longest first, within the limits', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 60 })),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 9 }),
      (lengths, maxTokens, maxSentences) => {
        const batches = lengthSortedBatches(lengths, maxTokens, maxSentences);
        const order = batches.flat();
        assert.deepEqual(
          [...order].sort((a, b) => a - b),
          lengths.map((_, index) => index),
        );
        assert.ok(order.every((index, i) => i === 0 || lengths[order[i - 1]!]! >= lengths[index]!));
        for (const batch of batches) {
          assert.ok(batch.length > 0 && batch.length <= maxSentences);
          assert.ok(batch.length === 1 || batch.length * lengths[batch[0]!]! <= maxTokens);
        }
      },
    ),
  );
});

test('results come in the order of the sources, whatever the batches', async () => {
  const model = new TableModel(9, 1);
  const sources = randomSources(50, 12, 2);
  const options = { beamSize: 3, lengthPenalty: 1, maxLengthRatio: 1, maxLengthMargin: 4 };
  const alone = await Promise.all(
    sources.map(async (source) => (await translateBatch(model, [source], options))[0]![0]!.tokens),
  );
  for (const batchTokens of [1, 40, 10_000]) {
    const progress: number[] = [];
    const results = await translateAll(model, sources, { ...options, batchTokens }, (done) => progress.push(done));
    assert.deepEqual(
      results.map(([best]) => best!.tokens),
      alone,
    );
    assert.equal(progress.at(-1), 50);
    assert.deepEqual(
      progress,
      [...progress].sort((a, b) => a - b),
    );
  }
});
