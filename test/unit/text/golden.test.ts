import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { learnTokenizer, TextCounter, type LearnSettings } from '../../../src/text/learn.js';
import { loadTokenizer } from '../../../src/text/load.js';
import { UNK } from '../../../src/vocab/special.js';

const FOLDER = 'test/golden/tokenizers';

const SETTINGS: Record<string, LearnSettings> = {
  'tokenizer.bpe.json': { type: 'bpe', size: 400, minimumFrequency: 1, normalization: 'nfc', lowercase: false },
  'tokenizer.char.json': { type: 'char', size: 400, minimumFrequency: 2, normalization: 'none', lowercase: false },
  'tokenizer.unigram.json': {
    type: 'unigram',
    size: 400,
    minimumFrequency: 1,
    normalization: 'nfkc',
    lowercase: false,
  },
  'tokenizer.word.json': { type: 'word', size: 250, minimumFrequency: 1, normalization: 'nfkc', lowercase: true },
};

function learned(settings: LearnSettings): string {
  const text = new TextCounter();
  for (const line of readFileSync(`${FOLDER}/text.txt`, 'utf8').trimEnd().split('\n')) text.add(line);
  return learnTokenizer(text, settings).json;
}

if (process.env['UPDATE_GOLDEN'] !== undefined) {
  for (const [file, settings] of Object.entries(SETTINGS)) writeFileSync(`${FOLDER}/${file}`, learned(settings));
}

interface Expected {
  ids: number[];
  tokens: string[];
  decoded: string;
}

const inputs = JSON.parse(readFileSync(`${FOLDER}/inputs.json`, 'utf8')) as string[];
const expected = JSON.parse(readFileSync(`${FOLDER}/expected.json`, 'utf8')) as Record<string, Expected[]>;

for (const [file, settings] of Object.entries(SETTINGS)) {
  test(`${file}: ids, tokens and text equal those of the Python library`, async () => {
    const tokenizer = loadTokenizer(`${FOLDER}/${file}`);
    const golden = expected[file];
    assert.equal(golden?.length, inputs.length);
    const ids = await tokenizer.encodeBatch(inputs);
    const tokens = await tokenizer.tokenizeBatch(inputs);
    golden.forEach((wanted, i) => {
      assert.deepEqual(ids[i], wanted.ids, inputs[i]);
      assert.deepEqual(
        tokens[i]!.map((token, t) => (wanted.tokens[t] === '<unk>' ? '<unk>' : token)),
        wanted.tokens,
        inputs[i],
      );
      if (!wanted.ids.includes(UNK)) assert.equal(tokenizer.decode(wanted.ids), wanted.decoded);
    });
  });

  test(`${file}: learning from the text reproduces the file`, () => {
    const now = JSON.parse(learned(settings)) as { model: { vocab: [string, number][] } };
    const stored = JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8')) as typeof now;
    if (settings.type === 'unigram') {
      // The last digits of scores may depend on the machine.
      assert.deepEqual(
        now.model.vocab.map(([token]) => token),
        stored.model.vocab.map(([token]) => token),
      );
      now.model.vocab.forEach(([, score], id) => assert.ok(Math.abs(score - stored.model.vocab[id]![1]) < 1e-6));
      now.model.vocab = stored.model.vocab;
    }
    assert.deepEqual(now, stored);
  });
}
