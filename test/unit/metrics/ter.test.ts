import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BeamEditDistance } from '../../../src/metrics/edit-distance.js';
import { corpusTer } from '../../../src/metrics/ter.js';
import { countEdits } from '../../../src/metrics/ter-edits.js';
import { tokenizeForTer } from '../../../src/metrics/tercom-tokenizer.js';

const edits = (hypothesis: string, reference: string): number =>
  countEdits(hypothesis.split(' '), reference.split(' '));

test('a shift of a word sequence is one edit', () => {
  // The example of Snover et al. 2006, section 3.1: one shift, two substitutions, one insertion.
  assert.equal(
    edits(
      'THIS WEEK THE SAUDIS denied information published in the new york times',
      'SAUDI ARABIA denied THIS WEEK information published in the AMERICAN new york times',
    ),
    4,
  );
  assert.equal(edits('c d e a b', 'a b c d e'), 1);
  assert.equal(edits('a b c', 'a b c'), 0);
});

test('with an empty reference every word is an edit', () => {
  assert.equal(countEdits(['a', 'b'], []), 2);
  assert.equal(countEdits([], ['a', 'b']), 2);
  assert.equal(countEdits([], []), 0);
});

const sentence = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 20 });

test('within the beam the distance is the Levenshtein distance, and the alignment has as many errors', () => {
  fc.assert(
    fc.property(sentence, sentence, (hypothesis, reference) => {
      const beam = new BeamEditDistance(Int32Array.from(reference), hypothesis.length);
      const words = Int32Array.from(hypothesis);
      const expected = levenshtein(hypothesis, reference);
      assert.equal(beam.distance(words), expected);
      const { hypothesisErrors, referenceErrors } = beam.align(words);
      const count = (errors: Uint8Array): number => errors.reduce((sum, error) => sum + error, 0);
      assert.ok(Math.max(count(hypothesisErrors), count(referenceErrors)) <= expected);
      assert.ok(count(hypothesisErrors) + count(referenceErrors) >= expected);
    }),
  );
});

test('shifts never increase the number of edits', () => {
  fc.assert(
    fc.property(sentence, sentence, (hypothesis, reference) => {
      assert.ok(countEdits(hypothesis.map(String), reference.map(String)) <= levenshtein(hypothesis, reference));
    }),
  );
});

test('very different lengths have a path within the beam', () => {
  const long = Array.from({ length: 300 }, (_, i) => `w${i}`);
  // Expected values from sacreBLEU 2.6.0: with one word, the beam does not reach the eighth of three hundred.
  assert.equal(countEdits(['w7'], long), 300);
  assert.equal(countEdits(['w250'], long), 299);
  assert.equal(countEdits(long, ['w7']), 299);
});

test('tokenisation equals that of tercom', () => {
  assert.deepEqual(tokenizeForTer('It’s John\'s "car", 1,000.5 km.', {}), [
    'it’s',
    "john's",
    '"car",',
    '1,000.5',
    'km.',
  ]);
  assert.deepEqual(tokenizeForTer('John\'s "car", 1,000.5 km.', { normalized: true, caseSensitive: true }), [
    'John',
    "'s",
    '"',
    'car',
    '"',
    ',',
    '1,000.5',
    'km',
    '.',
  ]);
  assert.deepEqual(tokenizeForTer('天気、いい。', { normalized: true, asianSupport: true }), [
    '天',
    '気',
    '、',
    'いい',
    '。',
  ]);
  assert.deepEqual(tokenizeForTer('天気、いい。 (ja)', { noPunctuation: true, asianSupport: true }), [
    '天気いい',
    'ja',
  ]);
});

test('references are normalised twice, as in sacreBLEU', () => {
  // sacrebleu 2.6.0: sacrebleu FILE -i FILE -m ter --ter-normalized -b, for a file of the one line
  const { score, edits, referenceLength } = corpusTer(['a ..2'], [['a ..2']], { normalized: true });
  assert.deepEqual([score, edits, referenceLength], [50, 2, 4]);
  assert.equal(corpusTer(['a ..2'], [['a ..2']]).score, 0);
});

function levenshtein(a: readonly number[], b: readonly number[]): number {
  let row = b.map((_, j) => j + 1);
  row.unshift(0);
  a.forEach((word, i) => {
    const next = [i + 1];
    b.forEach((other, j) => next.push(Math.min(row[j]! + (word === other ? 0 : 1), row[j + 1]! + 1, next[j]! + 1)));
    row = next;
  });
  return row[b.length]!;
}
