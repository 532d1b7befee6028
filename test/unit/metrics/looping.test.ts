import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLoops, loopingOutputs } from '../../../src/metrics/looping.js';

const SOURCES = Array.from({ length: 20 }, (_, i) => `sentence number ${i}`);
const HEALTHY = SOURCES.map((source) => `translation of ${source}`);

test('normal outputs have no warnings', () => {
  assert.deepEqual(loopingOutputs(SOURCES, HEALTHY), []);
  assert.deepEqual(loopingOutputs([], []), []);
});

test('identical output for many inputs is detected, unless the inputs are identical', () => {
  const hypotheses = HEALTHY.map((text, i) => (i % 5 === 1 ? 'A man in a shirt.' : text));
  assert.deepEqual(findLoops(SOURCES, hypotheses).identical, { output: 'A man in a shirt.', indices: [1, 6, 11, 16] });
  assert.deepEqual(loopingOutputs(SOURCES, hypotheses), [
    'identical output for different inputs in 4 of 20 outputs: "A man in a shirt."',
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

test('repetition is detected, unless the input repeats, too', () => {
  const found = (source: string, hypothesis: string): boolean => findLoops([source], [hypothesis]).repeating.length > 0;
  assert.ok(found('Ein Hund.', 'a dog a dog a dog a dog'));
  assert.ok(found('Ein Hund.', 'the dog of of of of'));
  assert.ok(found('Ein Hund.', '我们我们我们我们我们我们我们我们我们我们'));
  assert.ok(!found('Nein, nein, nein, nein, nein!', 'No, no, no, no, no!'));
  assert.ok(!found('Ein Hund.', 'a dog and a cat and a dog and a mouse'));
  assert.deepEqual(loopingOutputs(['Ein Hund.'], ['dog dog dog dog']), [
    'repeated words in 1 of 1 output, for example sentence 1: "dog dog dog dog"',
  ]);
});

test('empty outputs are detected unless the input is blank', () => {
  assert.deepEqual(findLoops(['a', ' ', 'b'], ['', '', 'x']).empty, [0]);
  assert.deepEqual(loopingOutputs(['a', '', 'b'], ['', '', ' ']), [
    'empty output for non-empty input in 2 of 3 outputs, for example sentence 1',
  ]);
});

test('long outputs are truncated in warnings', () => {
  const [warning = ''] = loopingOutputs(['x'], ['😀 '.repeat(400)]);
  assert.ok(warning.length < 250);
  assert.doesNotMatch(warning, /\p{Surrogate}/u);
});
