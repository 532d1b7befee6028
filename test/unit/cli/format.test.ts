import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCount, formatDuration, formatPerplexity, formatShare } from '../../../src/cli/format.js';

test('durations, never rounded to 60 s or 60 min', () => {
  const cases: readonly [seconds: number, text: string][] = [
    [0, '0.0 s'],
    [4.25, '4.3 s'],
    [9.94, '9.9 s'],
    [10, '10 s'],
    [59.4, '59 s'],
    [59.5, '1 min 00 s'],
    [200, '3 min 20 s'],
    [3599.4, '59 min 59 s'],
    [3599.5, '1 h 00 min'],
    [3720, '1 h 02 min'],
    [360_000, '100 h 00 min'],
  ];
  for (const [seconds, text] of cases) assert.equal(formatDuration(seconds), text, String(seconds));
});

test('counts with thousands separators, proportions in per cent', () => {
  assert.deepEqual([0, 999, 29_000, 1_234_567.6].map(formatCount), ['0', '999', '29,000', '1,234,568']);
  assert.deepEqual([0, 0.0468, 1].map(formatShare), ['0.0 %', '4.7 %', '100.0 %']);
});

test('perplexities, in scientific notation from a million', () => {
  assert.deepEqual([1, 7.389, 12_345.678, 1e6, 1.234e300, Infinity].map(formatPerplexity), [
    '1.00',
    '7.39',
    '12345.68',
    '1.00e+6',
    '1.23e+300',
    'Infinity',
  ]);
});
