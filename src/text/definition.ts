import type { TokenizerConfig } from '../config/schema.js';

/** The settings of one side's tokenizer that decide how text is cut; the vocabulary is learned within them. */
export type TextSettings = Pick<TokenizerConfig, 'type' | 'normalization' | 'lowercase'>;

/** The model part of a tokenizer.json file: vocabulary and how to segment a piece with it. */
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

/** What a space looks like in a token. */
export const SPACE_MARK = '▁';

/*
 * A `▁` of the text itself must not turn into a space, so it is written `▂▄`, and a `▂` of the text `▂▃`. All four
 * are block elements that no normalisation changes and hardly any text holds.
 */
const ESCAPES = [
  ['▂', '▂▃'],
  [SPACE_MARK, '▂▄'],
] as const;

/** Text whose own `▁` and `▂` are written as they stand in tokens. */
export function escapeMarks(text: string): string {
  return ESCAPES.reduce((escaped, [character, escape]) => escaped.replaceAll(character, escape), text);
}

/*
 * Unicode word boundaries (UAX #29, default rules without dictionaries): letters, marks and digits hang together,
 * also over one apostrophe, point or colon between letters and one point or comma between digits; ideographs and
 * Hiragana stand alone; a flag, an emoji with its modifiers, and every other character are a word each. A word takes
 * the mark of the space before it. No `<` ever hangs together with what follows, see `preTokenizer`.
 */
const LETTERS = String.raw`[\p{L}\p{N}\p{M}_&&[^\p{Han}\p{Hiragana}]]+`;
const BETWEEN = String.raw`(?:(?<=\p{L}|\p{M})['’.:·](?=\p{L})|(?<=\p{N})['’.,;](?=\p{N}))`;
const FLAG = String.raw`[\x{1F1E6}-\x{1F1FF}]{2}`;
const OTHER = String.raw`[^▁](?:[\p{M}\x{1F3FB}-\x{1F3FF}]|\x{200D}[^▁])*`;
const WORD = `${SPACE_MARK}?(?:${LETTERS}(?:${BETWEEN}${LETTERS})*|${FLAG}|${OTHER})|${SPACE_MARK}`;

/**
 * The content of a tokenizer.json file (Hugging Face tokenizers).
 *
 * Text is normalised, spaces become `▁`, and (but for characters) one more `▁` goes in front, so that a word looks
 * the same at the start of a sentence; decoding takes all this back, runs of spaces included. Normalisation and
 * cutting never look across a space, on which learning relies.
 *
 * The special symbols stand in the vocabulary but are not registered as added tokens: those would be found in raw
 * text, and a user's own `<s>` would end up as id 2.
 *
 * @param prefixed whether a `▁` goes in front
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
      // A `<` stands alone, so that no learned token is or holds `<s>` and the like.
      { type: 'Split', pattern: { String: '<' }, behavior: 'Isolated', invert: false },
    ],
  };
}

function replace(pattern: string, content: string): Record<string, unknown> {
  return { type: 'Replace', pattern: { String: pattern }, content };
}
