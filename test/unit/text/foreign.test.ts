import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTokenizer } from '../../../src/text/load.js';
import type { Tokenizer } from '../../../src/text/tokenizer.js';
import { SPECIAL_TOKENS, UNK } from '../../../src/vocab/special.js';

/** Special tokens as written by the trainers of the Hugging Face library. */
const ADDED = SPECIAL_TOKENS.map((content, id) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
}));
const CHARACTERS = ['▁', ...'abcdeghiklmnoprstuvwxyz<>/.'];
const METASPACE = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };
const TEMPLATE = {
  type: 'TemplateProcessing',
  single: [
    { SpecialToken: { id: '<s>', type_id: 0 } },
    { Sequence: { id: 'A', type_id: 0 } },
    { SpecialToken: { id: '</s>', type_id: 0 } },
  ],
  pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
  special_tokens: {
    '<s>': { id: '<s>', ids: [2], tokens: ['<s>'] },
    '</s>': { id: '</s>', ids: [3], tokens: ['</s>'] },
  },
};
const COMMON = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: ADDED,
  normalizer: null,
  pre_tokenizer: METASPACE,
  post_processor: TEMPLATE,
  decoder: METASPACE,
};

function vocabulary(tokens: readonly string[]): Record<string, number> {
  return Object.fromEntries([...SPECIAL_TOKENS, ...tokens].map((token, id) => [token, id]));
}

const MERGES = [
  ['<', '/'],
  ['</', 's'],
  ['</s', '>'],
  ['</s>', 'a'],
  ['t', 'h'],
] as const;
const BPE = {
  type: 'BPE',
  dropout: null,
  unk_token: '<unk>',
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
  ignore_merges: false,
  vocab: vocabulary([...CHARACTERS, '</', '</s', '</s>a', 'th']),
  merges: MERGES,
};

const DEFINITIONS: Record<string, object> = {
  unigram: {
    ...COMMON,
    model: {
      type: 'Unigram',
      unk_id: 1,
      byte_fallback: false,
      vocab: [...SPECIAL_TOKENS.map((token) => [token, 0]), ...CHARACTERS.map((token, i) => [token, -3 - i / 10])],
    },
  },
  // Merges that a trainer learned from text with `</s>` in it.
  bpe: { ...COMMON, model: BPE },
  'bpe that takes whole words': {
    ...COMMON,
    model: { ...BPE, ignore_merges: true, vocab: { ...BPE.vocab } },
    pre_tokenizer: { ...METASPACE, prepend_scheme: 'never' },
  },
  words: {
    ...COMMON,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    decoder: null,
    model: { type: 'WordLevel', vocab: vocabulary(['a', 'cat', 'the']), unk_token: '<unk>' },
  },
  wordpiece: {
    ...COMMON,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
    model: {
      type: 'WordPiece',
      unk_token: '<unk>',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: vocabulary([...'abcdest', '##a', '##t', '##s']),
    },
  },
};

function load(definition: object): Tokenizer {
  return parseTokenizer(JSON.stringify(definition), 'tokenizer.json');
}

const text = fc
  .array(
    fc.constantFrom(
      '<pad>',
      '<unk>',
      '<s>',
      '</s>',
      ' ',
      'a cat',
      'th',
      's',
      '<',
      '>',
      '</',
      'Ж',
      '\uFFFF\n</s>\n\uFFFF',
      '\n',
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

for (const [name, definition] of Object.entries(DEFINITIONS)) {
  test(`${name}: special tokens in a text are encoded as text`, async () => {
    const tokenizer = load(definition);
    assert.deepEqual(tokenizer.notices, []);
    for (const [id, symbol] of SPECIAL_TOKENS.entries()) assert.equal(tokenizer.tokenOf(id), symbol);
    await fc.assert(
      fc.asyncProperty(text, async (line) => {
        const ids = await tokenizer.encode(line);
        assert.ok(
          ids.every((id) => id >= SPECIAL_TOKENS.length || id === UNK),
          `${JSON.stringify(line)}: ${ids.join(' ')}`,
        );
        assert.deepEqual(await tokenizer.encodeBatch([line, 'a']), [ids, await tokenizer.encode('a')]);
      }),
      { numRuns: 200 },
    );
  });
}

for (const name of ['unigram', 'bpe']) {
  test(`${name}: text of known characters, including special tokens, is decoded losslessly`, async () => {
    const tokenizer = load(DEFINITIONS[name]!);
    const known = fc
      .array(fc.constantFrom('<pad>', '<unk>', '<s>', '</s>', 'a cat', 'the', '</', '.'), {
        minLength: 1,
        maxLength: 8,
      })
      .map((parts) => parts.join(' '));
    await fc.assert(
      fc.asyncProperty(known, async (line) => {
        const ids = await tokenizer.encode(line);
        assert.ok(!ids.includes(UNK));
        assert.equal(tokenizer.decode(ids), line);
        assert.equal(tokenizer.detokenize(await tokenizer.tokenize(line)), line);
      }),
      { numRuns: 200 },
    );
  });
}

test('padding, truncation and dropout are disabled, with notices', async () => {
  const padding = {
    strategy: { Fixed: 8 },
    direction: 'Right',
    pad_to_multiple_of: null,
    pad_id: 0,
    pad_type_id: 0,
    pad_token: '<pad>',
  };
  const truncation = { direction: 'Right', max_length: 3, strategy: 'LongestFirst', stride: 0 };
  const plain = load(DEFINITIONS['bpe']!);
  const lines = ['the cat', 'a the the the cat the', ''];
  const expected = await plain.encodeBatch(lines);
  for (const [changes, notices] of [
    [{ padding }, [/`padding`/]],
    [{ padding: { ...padding, strategy: 'BatchLongest' } }, [/`padding`/]],
    [{ truncation }, [/`truncation`/]],
    [{ model: { ...BPE, dropout: 0.9 } }, [/`dropout`/]],
    [{ padding, truncation }, [/`padding`/, /`truncation`/]],
  ] as const) {
    const tokenizer = load({ ...DEFINITIONS['bpe'], ...changes });
    assert.deepEqual(await tokenizer.encodeBatch(lines), expected);
    assert.deepEqual(await Promise.all(lines.map((line) => tokenizer.encode(line))), expected);
    assert.equal(tokenizer.notices.length, notices.length);
    for (const [i, notice] of notices.entries()) assert.match(tokenizer.notices[i]!, notice);
  }
});

test('unknown text is <unk>, whatever the file specifies', async () => {
  for (const [model, notice] of [
    [{ ...BPE, unk_token: null }, /no `unk_token`/],
    [{ ...BPE, unk_token: 'a' }, /`unk_token` is "a"/],
    [{ ...(DEFINITIONS['unigram'] as { model: object }).model, unk_id: 4 }, /`unk_id`/],
  ] as const) {
    const tokenizer = load({ ...COMMON, model });
    assert.equal((await tokenizer.encode('aЖa')).filter((id) => id === UNK).length, 1);
    assert.match(tokenizer.notices.join(), notice);
  }
  const bytes = load({
    ...COMMON,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: true },
    model: { ...BPE, unk_token: null },
  });
  assert.deepEqual(bytes.notices, []);
});

test('an added token that is not special remains one token', async () => {
  const tag = { ...ADDED[0]!, id: Object.keys(BPE.vocab).length, content: '<2de>' };
  const tokenizer = load({ ...COMMON, added_tokens: [...ADDED, tag], model: BPE });
  assert.deepEqual((await tokenizer.encode('<2de>a'))[0], tag.id);
});

test('unknown tokens have their surface form, also if the pre-tokenizer replaces or drops spaces', async () => {
  assert.deepEqual(await load(DEFINITIONS['bpe']!).tokenize('aЖ th😀Ж'), ['▁', 'a', 'Ж', '▁', 'th', '😀', 'Ж']);
  assert.deepEqual(await load(DEFINITIONS['words']!).tokenize('the  Жa </s> cat'), ['the', 'Жa', '</s>', 'cat']);
  assert.deepEqual(await load(DEFINITIONS['wordpiece']!).tokenize('cats Жa dat'), [
    'c',
    '##a',
    '##t',
    '##s',
    'Жa',
    'd',
    '##a',
    '##t',
  ]);
});
