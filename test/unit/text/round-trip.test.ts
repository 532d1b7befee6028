import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { learnTokenizer, TextCounter, type LearnSettings } from '../../../src/text/learn.js';
import { parseTokenizer } from '../../../src/text/load.js';
import type { Tokenizer } from '../../../src/text/tokenizer.js';
import { EOS, PAD, UNK } from '../../../src/vocab/special.js';

const TEXT = [
  'the quick brown fox jumps over the lazy dog; the dog sleeps.',
  "é à ç ñ — l’été, l'hiver: 3.14 (or 1,000)!",
  'a <b> </b> tag, ▁ and ▂▃▄ blocks,\ttab 👍🏽 e\u0301',
];

const TYPES = ['char', 'word', 'bpe', 'unigram'] as const;

function learn(settings: Partial<LearnSettings>, lines: readonly string[] = TEXT): Tokenizer {
  const text = new TextCounter();
  for (const line of lines) text.add(line);
  const { json } = learnTokenizer(text, {
    type: 'bpe',
    size: 150,
    minimumFrequency: 1,
    normalization: 'none',
    lowercase: false,
    ...settings,
  });
  return parseTokenizer(json, 'learned');
}

/** Text of any characters, with frequent markers and special tokens. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(
        ' ',
        '  ',
        '▁',
        '▂',
        '▂▃',
        '▂▄',
        '▃',
        '<s>',
        '</s>',
        '<unk>',
        '<pad>',
        '<',
        '\t',
        '\r',
        '\n',
        '\u00a0',
        '\u200d',
        '\ufe0f',
        'the',
        'dog',
        '👍🏽',
        '\u0301',
        '__proto__',
        '1,0',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

for (const type of TYPES) {
  const tokenizer = learn({ type });

  test(`${type}: spans refer to the text before normalisation`, async () => {
    const lowered = learn({ type, lowercase: true, normalization: 'nfkc' });
    // Surrogate pairs, and a ligature that normalisation decomposes.
    const text = '👍🏽 The ﬁrst DOG 𝔄!';
    const [tokens, ids, spans] = [
      await lowered.tokenize(text),
      await lowered.encode(text),
      await lowered.spansOf(text),
    ];
    assert.equal(spans.length, ids.length);
    for (const [index, token] of tokens.entries()) {
      const part = text
        .slice(...spans[index]!)
        .normalize('NFKC')
        .toLowerCase()
        .replaceAll(' ', '▁');
      assert.ok(part.replaceAll('▁', '').includes(token.replaceAll('▁', '')), `${token} of ${part}`);
    }
    assert.deepEqual([spans[0]![0], spans.at(-1)![1]], [0, text.length]);
  });

  test(`${type}: tokenize and detokenize are lossless; no token contains a space`, async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const tokens = await tokenizer.tokenize(text);
        assert.ok(
          tokens.every((token) => token !== '' && !token.includes(' ')),
          JSON.stringify(tokens),
        );
        assert.equal(tokenizer.detokenize(tokens), text);
        assert.equal(
          tokenizer.detokenize(
            tokens
              .join(' ')
              .split(' ')
              .filter((token) => token !== ''),
          ),
          text,
        );
      }),
      { numRuns: 400 },
    );
  });

  test(`${type}: only unknown text has special ids, and decode restores all other text`, async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const ids = await tokenizer.encode(text);
        assert.ok(ids.every((id) => id === UNK || id > EOS));
        if (!ids.includes(UNK)) assert.equal(tokenizer.decode(ids), text);
      }),
      { numRuns: 200 },
    );
  });

  test(`${type}: encode and decode are lossless for known characters`, async () => {
    const known = type === 'word' ? learn({ type, size: 400 }) : tokenizer;
    for (const text of [...TEXT, '', ' ', '  the   dog ', ' the dog', '<b><b>', '▁▁ ▂', 'dog\t']) {
      if (type === 'word' && (await known.encode(text)).includes(UNK)) continue;
      assert.equal(known.decode(await known.encode(text)), text);
    }
    const ids = await known.encode('the dog');
    assert.equal(known.decode([2, ...ids, 3, PAD, PAD]), 'the dog');
  });

  test(`${type}: encoding a batch equals encoding single sentences`, async () => {
    const texts = [...TEXT, '', ' ', 'unknown Ж', '<s>'];
    assert.deepEqual(
      await tokenizer.encodeBatch(texts),
      await Promise.all(texts.map((text) => tokenizer.encode(text))),
    );
    assert.deepEqual(
      await tokenizer.tokenizeBatch(texts),
      await Promise.all(texts.map((text) => tokenizer.tokenize(text))),
    );
  });

  test(`${type}: special tokens in the training text are not learned as tokens`, async () => {
    const greedy = learn(
      { type, size: 60 },
      Array.from({ length: 50 }, () => '<s> <s></s> <unk><pad> </s>'),
    );
    const ids = await greedy.encode('<s> </s> <unk> <pad>');
    assert.ok(
      ids.every((id) => id > EOS),
      String(ids),
    );
    assert.equal(greedy.decode(ids), '<s> </s> <unk> <pad>');
  });
}

test('normalisation and lowercasing are idempotent', async () => {
  for (const normalization of ['nfc', 'nfkc'] as const) {
    const tokenizer = learn({ normalization });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        const normalized = tokenizer.detokenize(await tokenizer.tokenize(text));
        assert.equal(tokenizer.detokenize(await tokenizer.tokenize(normalized)), normalized);
      }),
    );
    assert.equal(
      tokenizer.detokenize(await tokenizer.tokenize('e\u0301 \ufb01')),
      normalization === 'nfc' ? 'é \ufb01' : 'é fi',
    );
  }
  const lower = learn({ lowercase: true });
  assert.equal(lower.detokenize(await lower.tokenize('The DOG, ÉTÉ')), 'the dog, été');
});

test('words end at Unicode word boundaries and include the marker of the space before them', async () => {
  const tokenizer = learn({ type: 'word', size: 8 });
  assert.deepEqual(await tokenizer.tokenize("Don't wait, it’s 12:30 (U.S.A.) 1,000.5!"), [
    "▁Don't",
    '▁wait',
    ',',
    '▁it’s',
    '▁12',
    ':',
    '30',
    '▁(',
    'U.S.A',
    '.',
    ')',
    '▁1,000.5',
    '!',
  ]);
  assert.deepEqual(await tokenizer.tokenize(' a  b'), ['▁', '▁a', '▁', '▁b']);
});
