import assert from 'node:assert/strict';
import { test } from 'node:test';
import { learnTokenizer, TextCounter, type LearnSettings } from '../../../src/text/learn.js';

function learn(lines: readonly string[], settings: Partial<LearnSettings>) {
  const text = new TextCounter();
  for (const line of lines) text.add(line);
  const learned = learnTokenizer(text, {
    type: 'bpe',
    size: 100,
    minimumFrequency: 1,
    normalization: 'none',
    lowercase: false,
    ...settings,
  });
  const { model } = JSON.parse(learned.json) as { model: { vocab: Record<string, number> | [string, number][] } };
  const tokens = Array.isArray(model.vocab)
    ? model.vocab.map(([token]) => token)
    : Object.keys(model.vocab).sort(
        (a, b) => (model.vocab as Record<string, number>)[a]! - (model.vocab as Record<string, number>)[b]!,
      );
  return { ...learned, tokens };
}

test('the special tokens come first in every vocabulary', () => {
  for (const type of ['char', 'word', 'bpe', 'unigram'] as const) {
    assert.deepEqual(learn(['a b c'], { type }).tokens.slice(0, 4), ['<pad>', '<unk>', '<s>', '</s>']);
  }
});

test('word vocabularies are sorted by frequency and limited by minimum frequency and size', () => {
  const lines = ['b b b a a c', 'd'];
  assert.deepEqual(learn(lines, { type: 'word' }).tokens.slice(4), ['▁b', '▁a', '▁c', '▁d']);
  const frequent = learn(lines, { type: 'word', minimumFrequency: 2 });
  assert.deepEqual(frequent.tokens.slice(4), ['▁b', '▁a']);
  assert.deepEqual(frequent.types, { kept: 2, left: 2 });
  assert.equal(frequent.coverage, 5 / 7);
  assert.equal(learn(lines, { type: 'word', size: 5 }).size, 5);
});

test('character vocabularies have all characters and the space marker; rare ones can be excluded', () => {
  assert.deepEqual(learn(['ab a'], { type: 'char' }).tokens.slice(4), ['a', 'b', '▁']);
  assert.deepEqual(learn(['ab a'], { type: 'char', minimumFrequency: 2 }).tokens.slice(4), ['a', '▁']);
});

test('at least half of a subword vocabulary is tokens of several characters', () => {
  const rare = Array.from({ length: 100 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('');
  for (const type of ['bpe', 'unigram'] as const) {
    const learned = learn([rare, ...Array.from({ length: 20 }, () => 'banana bandana')], { type, size: 24 });
    assert.equal(learned.size, 24);
    assert.equal(learned.types.kept, 10);
    assert.ok(learned.coverage > 0.7 && learned.coverage < 1);
    assert.ok(learned.tokens.includes('▁ban') || learned.tokens.includes('ana'), learned.tokens.join(' '));
  }
});

test('a text that is too small results in a smaller vocabulary', () => {
  assert.equal(learn(['ab ab'], { size: 100 }).size, 4 + 3 + 2);
  assert.ok(learn(['ab ab'], { type: 'unigram', size: 100 }).size < 12);
});

test('pairs below the minimum frequency are not merged', () => {
  assert.deepEqual(learn(['ab ab ab cd'], { minimumFrequency: 2 }).tokens.slice(4), ['a', 'b', '▁', 'ab', '▁ab']);
});

test('the result does not depend on the order of the text', () => {
  const lines = ['the cat sat on the mat', 'the dog sat', 'a cat and a dog, a mat and a hat'];
  for (const type of ['char', 'word', 'bpe', 'unigram'] as const) {
    assert.equal(learn(lines, { type, size: 40 }).json, learn(lines.toReversed(), { type, size: 40 }).json);
  }
});
