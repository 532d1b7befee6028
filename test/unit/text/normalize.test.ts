import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../../../src/config/schema.js';
import { learnTokenizer, TextCounter } from '../../../src/text/learn.js';
import { parseTokenizer } from '../../../src/text/load.js';
import type { Tokenizer } from '../../../src/text/tokenizer.js';

const TEXT = 'Le café de Zoé <b>ﬁn</b> ▁ a_b';

function tokenizerOf(settings: object): Tokenizer {
  const config = configSchema.shape.tokenizer.parse({ size: 300, ...settings });
  const text = new TextCounter();
  text.add(TEXT);
  return parseTokenizer(learnTokenizer(text, config).json, 'tokenizer.json');
}

for (const type of ['char', 'word', 'bpe', 'unigram'] as const) {
  test(`${type}: normalize changes exactly what the output of a model cannot have`, async () => {
    const changed: [object, (text: string) => string][] = [
      [{ normalization: 'none' }, (text) => text],
      [{}, (text) => text.normalize('NFC')],
      [{ normalization: 'nfkc' }, (text) => text.normalize('NFKC')],
      [{ lowercase: true }, (text) => text.normalize('NFC').toLowerCase()],
    ];
    for (const [settings, expected] of changed) {
      const tokenizer = tokenizerOf({ type, ...settings });
      assert.equal(tokenizer.normalize(TEXT.normalize('NFD')), expected(TEXT.normalize('NFD')));
      assert.equal(tokenizer.normalize(TEXT), expected(TEXT));
      const best = tokenizer.decode(await tokenizer.encode(TEXT));
      if (!best.includes('unk')) assert.equal(tokenizer.normalize(TEXT).length >= best.length, true);
    }
  });
}
