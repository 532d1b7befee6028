import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { SPACE_MARK } from '../../../src/text/definition.js';
import type { Tokenizer } from '../../../src/text/tokenizer.js';
import { UNK } from '../../../src/vocab/special.js';
import { MAX_SOURCE_TOKENS, translateLines, type TranslationSettings } from '../../../src/decoding/translate-lines.js';
import { TableModel } from '../decoding/table-model.js';

before(async () => {
  await loadTensorFlow({ device: 'cpu' });
});

const LETTERS = [...'abcdefghi\n'];

/** A tokenizer whose tokens are the letters; it drops all other characters. */
const letters: Pick<Tokenizer, 'encodeBatch' | 'spansOf' | 'decode' | 'tokenOf' | 'detokenize'> & {
  readonly encoded: string[];
} = {
  encoded: [],
  encodeBatch(texts) {
    this.encoded.push(...texts);
    return Promise.resolve(
      texts.map((text) =>
        [...text].flatMap((letter) => (LETTERS.includes(letter) ? [4 + LETTERS.indexOf(letter)] : [])),
      ),
    );
  },
  spansOf: (text) =>
    Promise.resolve(
      [...text].flatMap((letter, index) => (LETTERS.includes(letter) ? [[index, index + 1] as const] : [])),
    ),
  decode: (ids) => ids.map((id) => LETTERS[id - 4]).join(''),
  tokenOf: (id) => LETTERS[id - 4]!,
  detokenize: (tokens) => tokens.join('').replaceAll(SPACE_MARK, ''),
};
const tokenizers = { source: letters as unknown as Tokenizer, target: letters as unknown as Tokenizer };

function settings(more: Partial<TranslationSettings['options']> = {}): TranslationSettings {
  return {
    model: new TableModel(4 + LETTERS.length, 1),
    tokenizers,
    options: { beamSize: 3, lengthPenalty: 1, maxLengthRatio: 1, maxLengthMargin: 3, batchTokens: 12, ...more },
  };
}

test('translations are in the order of the lines and independent of the other lines', async () => {
  const lines = ['abc', 'a', 'ihgfedcba', 'bb', 'abcd', 'hi'];
  const together = await translateLines(lines, settings());
  assert.equal(together.length, lines.length);
  for (const [i, line] of lines.entries()) {
    const [alone] = await translateLines([line], settings());
    assert.equal(alone!.hypotheses[0].text, together[i]!.hypotheses[0].text);
    assert.equal(together[i]!.blank, false);
  }
});

test('blank lines, invisible lines and lines without tokens are copied and not translated', async () => {
  letters.encoded.length = 0;
  const lines = ['', 'ab', '  ', '\t\r', '\u3000', '...', 'ab', '\u200b', '\0', '\r'];
  const translations = await translateLines(lines, settings());
  assert.deepEqual(
    translations.map(({ blank }) => blank),
    [true, false, true, true, true, true, false, true, true, true],
  );
  lines.forEach((line, i) =>
    assert.ok(line === 'ab' || translations[i]!.hypotheses[0].text === line.replace('\r', '')),
  );
  assert.deepEqual(letters.encoded, ['ab', '...', 'ab']);
  assert.deepEqual(await translateLines([], settings()), []);
  assert.equal((await translateLines(['', ' '], settings())).length, 2);
});

test('n-best returns that many texts without line feeds', async () => {
  const translations = await translateLines(['abc', 'fed', 'b'], settings({ beamSize: 8, nBest: 8 }));
  for (const { hypotheses } of translations) {
    assert.equal(hypotheses.length, 8);
    assert.ok(hypotheses.every(({ text }) => !text.includes('\n')));
  }
  assert.ok(
    translations.some(({ hypotheses }) => hypotheses.some(({ text }) => text.includes(' '))),
    'a generated line feed is replaced',
  );
});

test('a trailing carriage return is stripped before tokenization', async () => {
  letters.encoded.length = 0;
  await translateLines(['ab\r', 'a\rb\r\r'], settings());
  assert.deepEqual(letters.encoded, ['ab', 'a b']);
});

test('a line beyond the maximum length is truncated and reported', async () => {
  const cut: [number, number][] = [];
  const long = 'a'.repeat(MAX_SOURCE_TOKENS);
  const onTruncated = (index: number, tokens: number): void => void cut.push([index, tokens]);
  const options = { beamSize: 1, maxLengthRatio: 0.01 };
  const [, whole] = await translateLines(['b', long], { ...settings(options), onTruncated });
  assert.deepEqual(cut, []);
  const [, shortened] = await translateLines(['b', `${long}bcd`], { ...settings(options), onTruncated });
  assert.deepEqual(cut, [[1, MAX_SOURCE_TOKENS + 3]]);
  assert.equal(shortened!.hypotheses[0].text, whole!.hypotheses[0].text);
});

test('<unk> is generated only with copyUnknown, which replaces it by the most attended source word', async () => {
  // <unk> is the most probable token everywhere, and the first source token has the largest attention weight.
  const likesUnknown = (): TableModel =>
    new TableModel(4 + LETTERS.length, 1, (logits) => logits.map((logit, token) => (token === UNK ? 9 : logit)));
  const translate = async (copyUnknown: boolean): Promise<string> => {
    const [translation] = await translateLines(['abc def'], {
      ...settings({ beamSize: 1, maxLengthRatio: 0.5, maxLengthMargin: 0, copyUnknown }),
      model: likesUnknown(),
    });
    return translation!.hypotheses[0].text;
  };
  assert.equal(await translate(true), 'abc');
  assert.match(await translate(false), /^[a-i ]+$/);
  // However many <unk> are generated for one word, the text is the same.
  const [several] = await translateLines(['abc def'], {
    ...settings({ beamSize: 6, nBest: 6, maxLengthRatio: 0.5, maxLengthMargin: 0, copyUnknown: true }),
    model: likesUnknown(),
  });
  const texts = several!.hypotheses.map(({ text }) => text);
  assert.deepEqual([...new Set(texts)], texts);
});

test('progress includes blank lines and ends at the total', async () => {
  const steps: number[] = [];
  await translateLines(['', 'abc', 'abcdefghi', 'a'], {
    ...settings(),
    onProgress: (done, total) => steps.push(done / total),
  });
  assert.equal(steps.at(-1), 1);
});

test('out-of-memory errors name the longest line of the current batch', async () => {
  const lines = ['a', '', 'abcdefghi', 'abc', 'dcba', 'ab'];
  /** Translates until the given batch, whose allocation fails. */
  const failing = (number: number, more: Partial<TranslationSettings> = {}): Promise<unknown> => {
    const { model, ...others } = settings();
    let batches = 0;
    const encode: typeof model.encode = (...given) => {
      if (++batches === number) throw new Error('Invalid TF_Status: 8\nMessage: OOM when allocating tensor');
      return model.encode(...given);
    };
    return translateLines(lines, {
      ...others,
      model: Object.assign(Object.create(model) as typeof model, { encode }),
      ...more,
    });
  };
  // Batches by length with </s>: 10; 5 and 4; 3 and 2.
  await assert.rejects(failing(1), {
    code: 'out-of-memory',
    message: new RegExp(
      '^out of memory in the translation on .*, with a batch of at most 12 source tokens with beam size 3, ' +
        'the longest of which is a line of 9 tokens that begins with "abcdefghi"$',
    ),
  });
  await assert.rejects(failing(2), {
    code: 'out-of-memory',
    message: /the longest of which is a line of 4 tokens that begins with "dcba"$/,
  });
  await assert.rejects(
    failing(3, { task: { name: 'it', remedy: 'decoding', placeOf: (index) => ({ line: index + 1 }) } }),
    { place: { line: 6 }, message: /^out of memory in it on .*, the longest of which is this line$/ },
  );
});
