import type { TokenizerConfig } from '../config/schema.js';

/** Settings of normalisation and pre-tokenisation. */
export type TextSettings = Pick<TokenizerConfig, 'type' | 'normalization' | 'lowercase'>;

/** The `model` of a tokenizer.json file: the vocabulary and how to segment a pre-token with it. */
export type ModelDefinition =
  | { readonly type: 'WordLevel'; readonly vocab: Readonly<Record<string, number>>; readonly unk_token: string }
  | {
      readonly type: 'BPE';
      readonly vocab: Readonly<Record<string, number>>;
      readonly merges: readonly (readonly [string, string])[];
      readonly unk_token: string;
      readonly [option: string]: unknown;
    }
  | {
      readonly type: 'Unigram';
      readonly vocab: readonly (readonly [string, number])[];
      readonly unk_id: number;
      readonly byte_fallback: boolean;
    };

/** Represents a space within tokens, as in SentencePiece. */
export const SPACE_MARK = '▁';

/*
 * A literal `▁` in the text must not become a space, so it is escaped as `▂▄`, and a literal `▂` as `▂▃`. These block
 * elements are rare in text, and no Unicode normalisation changes them.
 */
const ESCAPES = [
  ['▂', '▂▃'],
  [SPACE_MARK, '▂▄'],
] as const;

/** Escapes literal `▁` and `▂` as in tokens. */
export function escapeMarks(text: string): string {
  return ESCAPES.reduce((escaped, [character, escape]) => escaped.replaceAll(character, escape), text);
}

/*
 * Unicode word boundaries (UAX #29, default rules without dictionaries). A word is a run of letters, marks and digits,
 * which may contain single apostrophes, full stops or colons between letters and single full stops or commas between
 * digits. Every ideograph, Hiragana character, flag, emoji with its modifiers, and other character is a word. A word
 * includes the `▁` before it. A `<` is always a word, see `preTokenizer`.
 */
const LETTERS = String.raw`[\p{L}\p{N}\p{M}_&&[^\p{Han}\p{Hiragana}]]+`;
const BETWEEN = String.raw`(?:(?<=\p{L}|\p{M})['’.:·](?=\p{L})|(?<=\p{N})['’.,;](?=\p{N}))`;
const FLAG = String.raw`[\x{1F1E6}-\x{1F1FF}]{2}`;
const OTHER = String.raw`[^▁](?:[\p{M}\x{1F3FB}-\x{1F3FF}]|\x{200D}[^▁])*`;
const WORD = `${SPACE_MARK}?(?:${LETTERS}(?:${BETWEEN}${LETTERS})*|${FLAG}|${OTHER})|${SPACE_MARK}`;

/**
 * Builds the content of a tokenizer.json file (Hugging Face tokenizers).
 *
 * Text is normalised, spaces become `▁`, and, except for characters, a `▁` is prepended, so that a word has the same
 * tokens at the start of a sentence. The decoder reverses this losslessly, including runs of spaces. Normalisation and
 * pre-tokenisation never depend on context across a space; learning relies on this.
 *
 * The special tokens are in the vocabulary but not registered as added tokens: those are matched in raw text, and a
 * literal `<s>` in a sentence would become id 2.
 *
 * @param prefixed whether to prepend `▁`
 */
export function tokenizerDefinition(
  settings: TextSettings,
  model: ModelDefinition,
  prefixed = settings.type !== 'char',
): Record<string, unknown> {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        ...(settings.normalization === 'none' ? [] : [{ type: settings.normalization.toUpperCase() }]),
        ...(settings.lowercase ? [{ type: 'Lowercase' }] : []),
        ...ESCAPES.map(([character, escape]) => replace(character, escape)),
        replace(' ', SPACE_MARK),
        ...(prefixed ? [{ type: 'Prepend', prepend: SPACE_MARK }] : []),
      ],
    },
    pre_tokenizer: preTokenizer(settings.type),
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Fuse' },
        ...(prefixed ? [{ type: 'Strip', content: SPACE_MARK, start: 1, stop: 0 }] : []),
        replace(SPACE_MARK, ' '),
        ...ESCAPES.toReversed().map(([character, escape]) => replace(escape, character)),
      ],
    },
    model,
  };
}

function preTokenizer(type: TextSettings['type']): Record<string, unknown> {
  if (type === 'word') return { type: 'Split', pattern: { Regex: WORD }, behavior: 'Isolated', invert: false };
  return {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { String: SPACE_MARK }, behavior: 'MergedWithNext', invert: false },
      // `<` is isolated, so that no learned token contains `<s>` or another special token.
      { type: 'Split', pattern: { String: '<' }, behavior: 'Isolated', invert: false },
    ],
  };
}

function replace(pattern: string, content: string): Record<string, unknown> {
  return { type: 'Replace', pattern: { String: pattern }, content };
}
