import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { convertText, type Conversion } from '../../../src/text/convert.js';
import { loadTokenizer } from '../../../src/text/load.js';

const tokenizer = loadTokenizer('test/golden/tokenizers/tokenizer.bpe.json');

async function convert(text: string, conversion: Conversion): Promise<string> {
  let result = '';
  for await (const part of convertText(Readable.from([Buffer.from(text)]), tokenizer, conversion)) result += part;
  return result;
}

test('the output has a line for every input line, including blank ones and a last one without LF', async () => {
  assert.equal(
    await convert('the the\n\n \nEND', { direction: 'tokenize', as: 'tokens' }),
    '▁the ▁the\n\n▁ ▁\n▁ E N D\n',
  );
});

test('detokenising is the inverse of tokenising', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.string({ unit: 'grapheme' }).filter((line) => !line.includes('\n') && line === line.normalize('NFC')),
        { minLength: 1 },
      ),
      async (lines) => {
        const text = lines
          .map((line) => `${line}\n`)
          .join('')
          .replace(/^\uFEFF/, '');
        const tokens = await convert(text, { direction: 'tokenize', as: 'tokens' });
        assert.equal(await convert(tokens, { direction: 'detokenize', as: 'tokens' }), text);
      },
    ),
  );
});

test('decoding is the inverse of encoding', async () => {
  const ids = await convert('the old dog\nwaits for  it\n', { direction: 'tokenize', as: 'ids' });
  assert.match(ids, /^(\d+ )*\d+\n(\d+ )*\d+\n$/);
  assert.equal(await convert(ids, { direction: 'detokenize', as: 'ids' }), 'the old dog\nwaits for  it\n');
});

test('an invalid id is an error with its line', async () => {
  const wrong = (text: string) => convert(text, { direction: 'detokenize', as: 'ids' });
  await assert.rejects(wrong('5 6\n7 x\n'), {
    code: 'not-an-id',
    message: '"x" is not a token id from 0 to 399',
    place: { file: 'stdin', line: 2 },
  });
  await assert.rejects(wrong('400\n'), { code: 'not-an-id', place: { file: 'stdin', line: 1 } });
});
