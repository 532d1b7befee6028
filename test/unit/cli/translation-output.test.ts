import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTranslation, type OutputFormat, type OutputOptions } from '../../../src/cli/translation-output.js';
import type { Translation } from '../../../src/decoding/translate-lines.js';

const translation: Translation = {
  source: [4, 5],
  hypotheses: [
    { text: 'a\thouse', tokens: [5, 6], score: -0.25, logProbability: -0.75, finished: true },
    { text: 'the house', tokens: [7, 6], score: -1 / 3, logProbability: -1, finished: true },
  ],
  blank: false,
};
const print = (format: OutputFormat, more: Partial<OutputOptions> = {}): string =>
  formatTranslation(4, 'ein\tHaus', translation, { format, nBest: undefined, scores: false, ...more });

test('text: the translation, with its score after a tab', () => {
  assert.equal(print('text'), 'a\thouse\n');
  assert.equal(print('text', { scores: true }), 'a house\t-0.2500\n');
});

test('text: n-best lists are numbered from 0', () => {
  assert.equal(print('text', { nBest: 2 }), '4 ||| a\thouse ||| -0.2500\n4 ||| the house ||| -0.3333\n');
});

test('tsv: source and translation without tabs, after the line number for n-best', () => {
  assert.equal(print('tsv'), 'ein Haus\ta house\nein Haus\tthe house\n');
  assert.equal(print('tsv', { nBest: 2 }), '5\tein Haus\ta house\n5\tein Haus\tthe house\n');
  assert.equal(
    print('tsv', { nBest: 2, scores: true }),
    '5\tein Haus\ta house\t-0.2500\n5\tein Haus\tthe house\t-0.3333\n',
  );
});

test('jsonl: line numbers from 1, always with scores', () => {
  const one: Translation = { ...translation, hypotheses: [translation.hypotheses[0]] };
  assert.deepEqual(
    JSON.parse(formatTranslation(4, 'ein\tHaus', one, { format: 'jsonl', nBest: undefined, scores: false })),
    {
      line: 5,
      source: 'ein\tHaus',
      translation: 'a\thouse',
      score: -0.25,
      logProbability: -0.75,
    },
  );
  assert.deepEqual(JSON.parse(print('jsonl', { nBest: 2 })), {
    line: 5,
    source: 'ein\tHaus',
    hypotheses: [
      { translation: 'a\thouse', score: -0.25, logProbability: -0.75 },
      { translation: 'the house', score: -1 / 3, logProbability: -1 },
    ],
  });
});

test('no format has a carriage return of the source', () => {
  for (const format of ['text', 'tsv', 'jsonl'] as const)
    for (const nBest of [undefined, 2]) {
      const output = formatTranslation(0, 'ein\rHaus\r', translation, { format, nBest, scores: true });
      assert.doesNotMatch(output, /\r|\\r/);
      if (format !== 'text') assert.match(output, /ein Haus[\t"]/);
    }
});
