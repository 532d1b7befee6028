import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { learnTokenizer, TextCounter, type LearnSettings } from '../../../src/text/learn.js';
import { writeVocabulary } from '../../../src/text/vocabulary-file.js';
import { describeShortage, recordedShortages, shortageOf } from '../../../src/text/vocabulary-shortage.js';

const folder = mkdtempSync(join(tmpdir(), 's2s-shortage-'));
after(() => rmSync(folder, { recursive: true }));

/** 40 different characters, and the `▁`. */
const TEXT = Array.from({ length: 40 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join('');

function learn(settings: Partial<LearnSettings>, text = TEXT) {
  const counter = new TextCounter();
  counter.add(text);
  const all = {
    type: 'bpe',
    size: 60,
    minimumFrequency: 1,
    normalization: 'nfc',
    lowercase: false,
    ...settings,
  } as const;
  return { role: 'shared' as const, settings: all, ...learnTokenizer(counter, all) };
}

test('a vocabulary too small for its text is described with the size that is enough, and no smaller one is', () => {
  const shortage = shortageOf(learn({}))!;
  assert.equal(
    describeShortage(shortage),
    'tokenizer.size 60 is too small for the 41 characters of the training text: 13 of them (31.7 % of the text) become ' +
      '<unk>; set it to at least 86',
  );
  for (const type of ['bpe', 'unigram', 'char'] as const) {
    const { needed } = shortageOf(learn({ type, size: 20 }))!;
    assert.equal(learn({ type, size: needed }).coverage, 1);
    assert.notEqual(learn({ type, size: needed - 1 }).coverage, 1);
    assert.equal(shortageOf(learn({ type, size: needed })), undefined);
  }
});

test('words, rare characters and characters below the minimum frequency are no shortage', () => {
  assert.equal(shortageOf(learn({ type: 'word', size: 8 }, 'a b c d e f g h i j')), undefined);
  assert.equal(shortageOf(learn({ size: 10 }, `${'ab'.repeat(10_000)}${TEXT.slice(0, 3)}`)), undefined);
  assert.equal(shortageOf(learn({ size: 200, minimumFrequency: 2 })), undefined);
});

test('the shortage is recorded with the vocabulary', () => {
  writeVocabulary(folder, 'text', [learn({})]);
  assert.deepEqual(recordedShortages(folder), [shortageOf(learn({}))]);
  assert.deepEqual(recordedShortages(join(folder, 'none')), []);
});
