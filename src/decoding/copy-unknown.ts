import { escapeMarks, SPACE_MARK } from '../text/definition.js';
import type { Span, Tokenizer } from '../text/tokenizer.js';
import { SPECIAL_TOKENS, UNK } from '../vocab/special.js';

/** A generated sentence with its attention weights. */
export interface AttendedTokens {
  /** Target ids, including `<unk>`. */
  readonly tokens: readonly number[];
  /** Weights `[srcTime]` of each token over the source tokens and `</s>`. */
  readonly attention: readonly Float32Array[];
}

/** A source sentence before tokenization, and the span of each token in it. */
export interface SourceText {
  readonly text: string;
  readonly spans: readonly Span[];
}

/**
 * Words: runs of letters and digits, which may contain single apostrophes, points, colons and hyphens. Every other
 * character is a word of length one.
 */
const WORDS = /[\p{L}\p{N}\p{M}]+(?:['’.:-][\p{L}\p{N}\p{M}]+)*|\S/gu;

/**
 * Detokenizes a generated sentence and replaces each `<unk>` by the source word with the largest attention weight, in
 * its original spelling (Luong et al. 2015, "Addressing the Rare Word Problem in Neural Machine Translation"; aligned
 * by attention instead of trained pointers, as in Jean et al. 2015). Consecutive `<unk>` that are aligned to the same
 * word, as with subwords, copy it once.
 */
export function copyUnknown(
  { tokens, attention }: AttendedTokens,
  { text, spans }: SourceText,
  target: Pick<Tokenizer, 'tokenOf' | 'detokenize'>,
): string {
  const words = [...text.matchAll(WORDS)].map((match) => ({
    word: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }));
  let last: object | undefined;
  const pieces = tokens.flatMap((token, position) => {
    if (token !== UNK) {
      last = undefined;
      return token < SPECIAL_TOKENS.length ? [] : [target.tokenOf(token)];
    }
    const span = spans[argMax(attention[position]!, spans.length)]!;
    const word = words.find(({ start, end }) => start < span[1] && end > span[0]);
    if (word === undefined || word === last) return [];
    last = word;
    return [`${/[\p{L}\p{N}]/u.test(word.word) ? SPACE_MARK : ''}${escapeMarks(word.word)}`];
  });
  return target.detokenize(pieces);
}

/** Index of the largest among the first `count` weights. */
function argMax(weights: Float32Array, count: number): number {
  let best = 0;
  for (let index = 1; index < count; index++) if (weights[index]! > weights[best]!) best = index;
  return best;
}
