import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S2sError } from '../../../src/errors.js';
import { bleuMetric, corpusBleu, sentenceBleu } from '../../../src/metrics/bleu.js';
import { corpusScore, corpusStatistics, sumStatistics } from '../../../src/metrics/metric.js';

const HYPOTHESES = ['The cat sat on the mat.', 'It is raining.', 'Nobody knows why.'];
const REFERENCES = ['The cat is sitting on the mat.', 'It rains.', 'No one knows why.'];

test('counts are clipped, as in the unigram example of Papineni et al.', () => {
  const { counts, totals, precisions } = corpusBleu(
    ['the the the the the the the'],
    [['The cat is on the mat'], ['There is a cat on the mat']],
    { lowercase: true },
  );
  assert.deepEqual([counts[0], totals[0]], [2, 7]);
  assert.equal(precisions[0], 200 / 7);
});

test('statistics of segments sum to the score of any subset of the corpus', () => {
  const metric = bleuMetric();
  const statistics = corpusStatistics(metric, HYPOTHESES, [REFERENCES]);
  const part = metric.score(sumStatistics([statistics[2]!, statistics[0]!]), 1);
  assert.deepEqual(part, corpusBleu([HYPOTHESES[0]!, HYPOTHESES[2]!], [[REFERENCES[0]!, REFERENCES[2]!]]));
  assert.deepEqual(corpusScore(metric, HYPOTHESES, [REFERENCES]), corpusBleu(HYPOTHESES, [REFERENCES]));
});

test('add-k smoothing does not modify the statistics', () => {
  const metric = bleuMetric({ smoothing: 'add-k' });
  const sums = sumStatistics(corpusStatistics(metric, HYPOTHESES, [REFERENCES]));
  const before = [...sums];
  metric.score(sums, 1);
  assert.deepEqual(sums, before);
});

test('sentence BLEU uses the effective order', () => {
  assert.equal(sentenceBleu('Good morning', ['Good morning']).score.toFixed(6), '100.000000');
  assert.match(sentenceBleu('Good morning', ['Good morning']).signature, /\|eff:yes\|/);
  assert.equal(sentenceBleu('Good morning', ['Good morning'], { effectiveOrder: false }).score, 0);
});

test('different line counts are an error with both counts', () => {
  const codeAndText = (hypotheses: string[], references: string[][]): string => {
    try {
      corpusBleu(hypotheses, references);
      return 'no error';
    } catch (error) {
      assert.ok(error instanceof S2sError);
      return `${error.code}: ${error.message}`;
    }
  };
  assert.equal(
    codeAndText(['a', 'b'], [['a']]),
    'line-counts-differ: Line counts differ: 2 hypotheses but 1 reference.',
  );
  assert.equal(
    codeAndText(
      ['a', 'b'],
      [
        ['a', 'b'],
        ['a', 'b', 'c'],
      ],
    ),
    'line-counts-differ: Line counts differ: 2 hypotheses but 3 references in set 2.',
  );
  assert.equal(codeAndText(['a'], []), 'no-references: There are no references to score against.');
  assert.equal(codeAndText([], [[]]), 'nothing-to-score: There are no hypotheses to score.');
});

test('scoring a thousand sentences is fast', () => {
  const texts = Array.from(
    { length: 1000 },
    (_, i) => `A man number ${i} in a red shirt is standing next to the ${i % 7} old houses near the river.`,
  );
  const started = performance.now();
  corpusBleu(texts, [texts.map((text) => text.replace('red', 'blue'))]);
  assert.ok(performance.now() - started < 1000);
});
