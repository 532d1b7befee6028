import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLoops, loopingOutputs } from '../../../src/metrics/looping.js';

const SOURCES = Array.from({ length: 20 }, (_, i) => `sentence number ${i}`);
const HEALTHY = SOURCES.map((source) => `translation of ${source}`);

test('healthy outputs raise no warning', () => {
  assert.deepEqual(loopingOutputs(SOURCES, HEALTHY), []);
  assert.deepEqual(loopingOutputs([], []), []);
});

test('one output for many inputs is found, unless the inputs are the same', () => {
  const hypotheses = HEALTHY.map((text, i) => (i % 5 === 1 ? 'A man in a shirt.' : text));
  assert.deepEqual(findLoops(SOURCES, hypotheses).identical, { output: 'A man in a shirt.', indices: [1, 6, 11, 16] });
  assert.deepEqual(loopingOutputs(SOURCES, hypotheses), [
    '4 of 20 outputs are the same although their inputs differ: "A man in a shirt."',
  ]);
  assert.deepEqual(
    loopingOutputs(
      SOURCES.map(() => 'Guten Tag.'),
      SOURCES.map(() => 'Hello.'),
    ),
    [],
  );
  assert.deepEqual(
    loopingOutputs(
      SOURCES,
      HEALTHY.map((text, i) => (i < 2 ? 'Yes.' : text)),
    ),
    [],
  );
});

test('endless repeats are found, unless the input repeats as well', () => {
  const found = (source: string, hypothesis: string): boolean => findLoops([source], [hypothesis]).repeating.length > 0;
  assert.ok(found('Ein Hund.', 'a dog a dog a dog a dog'));
  assert.ok(found('Ein Hund.', 'the dog of of of of'));
  assert.ok(found('Ein Hund.', '我们我们我们我们我们我们我们我们我们我们'));
  assert.ok(!found('Nein, nein, nein, nein, nein!', 'No, no, no, no, no!'));
  assert.ok(!found('Ein Hund.', 'a dog and a cat and a dog and a mouse'));
  assert.deepEqual(loopingOutputs(['Ein Hund.'], ['dog dog dog dog']), [
    '1 of 1 outputs repeats the same words over and over, as sentence 1: "dog dog dog dog"',
  ]);
});

test('empty outputs count where the input is not blank', () => {
  assert.deepEqual(findLoops(['a', ' ', 'b'], ['', '', 'x']).empty, [0]);
  assert.deepEqual(loopingOutputs(['a', '', 'b'], ['', '', ' ']), [
    '2 of 3 outputs are empty although the input is not, as sentence 1',
  ]);
});

test('long outputs are shortened', () => {
  const [warning = ''] = loopingOutputs(['x'], ['😀 '.repeat(400)]);
  assert.ok(warning.length < 250);
  assert.doesNotMatch(warning, /\p{Surrogate}/u);
});
