import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPercent, formatVocabularyReport } from '../../../src/cli/vocabulary-report.js';
import type { TokenStatistics, VocabularyReport } from '../../../src/text/build.js';

const statistics = (sentences: number, mean: number, unknownRate: number): TokenStatistics => ({
  sentences,
  tokensPerSentence: { mean, p95: 26, max: 120 },
  unknownRate,
});

test('the report has the learned vocabulary and the unknown tokens', () => {
  const report: VocabularyReport = {
    directory: 'run',
    pairs: 1000,
    tokenizers: [
      {
        role: 'shared',
        file: 'run/tokenizer.json',
        settings: { type: 'bpe', size: 8000, minimumFrequency: 2, normalization: 'nfc', lowercase: false },
        size: 6543,
        unit: 'characters',
        types: { kept: 90, left: 12 },
        coverage: 0.999999,
      },
    ],
    train: { source: statistics(1000, 14.88, 0), target: statistics(1000, 9.12, 0.00001) },
    dev: { source: statistics(50, 15.3, 0.0512), target: statistics(50, 10, 0) },
  };
  assert.equal(
    formatVocabularyReport(report),
    [
      'shared bpe vocabulary: 6543 tokens (of 8000 requested; the text has no more), 90 characters, ' +
        '>99.99 % of the training text covered, 12 rare characters become <unk>: run/tokenizer.json',
      '              sentences  tokens/sentence  95 %  longest  unknown',
      'train source       1000             14.9    26      120      0 %',
      'dev source           50             15.3    26      120   5.12 %',
      'train target       1000              9.1    26      120  <0.01 %',
      'dev target           50             10.0    26      120      0 %',
      '',
    ].join('\n'),
  );
});

test('percentages are not rounded to 0 or 100', () => {
  assert.deepEqual([0, 0.00001, 0.05, 0.123456, 0.99999, 1].map(formatPercent), [
    '0 %',
    '<0.01 %',
    '5 %',
    '12.35 %',
    '>99.99 %',
    '100 %',
  ]);
});
