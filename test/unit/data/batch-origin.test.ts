import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchOrigin, formatBatches, formatShape, placesOf } from '../../../src/data/batch-origin.js';
import { makeBatch } from '../../../src/data/batches.js';
import { PackedCorpusBuilder } from '../../../src/data/packed.js';

/** Three pairs of two aligned files, and two of a single file. */
const builder = new PackedCorpusBuilder({ source: 10, target: 10 }, 2);
for (const [source, target, corpus, line] of [
  [[4], [4, 5], 0, 1],
  [[4, 5, 6], [4], 0, 3],
  [[4, 5], [4, 5, 6, 7], 0, 8],
  [[5], [5], 1, 2],
  [[6], [6], 1, 4],
] as const)
  builder.add(source, target, corpus, line);
const corpus = builder.build('', null);
const placeOf = placesOf(corpus, [{ source: 'a.de', target: 'a.en' }, { file: 'b.tsv' }]);

test('the origin of a batch has its shape, its longest pair, and its sorted lines by file', () => {
  assert.deepEqual(batchOrigin(makeBatch(corpus, [4, 1, 2, 0, 3]), 7, placeOf), {
    batch: 7,
    sentences: 5,
    sourceTime: 4,
    targetTime: 5,
    longest: { file: 'a.de', line: 8, sourceTokens: 2, targetTokens: 4 },
    lines: [
      { file: 'b.tsv', lines: [2, 4] },
      { file: 'a.de', lines: [1, 3, 8] },
    ],
  });
});

test('batches are formatted for messages', () => {
  const origin = batchOrigin(makeBatch(corpus, [3]), 7, placeOf);
  assert.equal(formatShape(origin), '1 sentence x 2 source x 2 target tokens');
  assert.equal(
    formatBatches([origin], 2),
    'batch 7 of epoch 2 (1 sentence x 2 source x 2 target tokens, longest pair at b.tsv:2)',
  );
});
