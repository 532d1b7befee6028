import { escapeMarks, SPACE_MARK } from '../text/definition.js';
import type { Span, Tokenizer } from '../text/tokenizer.js';
import { SPECIAL_TOKENS, UNK } from '../vocab/special.js';

/** A generated sentence and where the model looked. */
export interface AttendedTokens {
  /** Target ids, `<unk>` among them. */
  readonly tokens: readonly number[];
  /** For each of them the weights `[srcTime]` over the source tokens and `</s>`. */
  readonly attention: readonly Float32Array[];
}

/** A source sentence as it was written, and the part of it that each of its tokens stands for. */
export interface SourceText {
  readonly text: string;
  readonly spans: readonly Span[];
}

/** Words as people see them: letters and digits, also over one apostrophe, point or hyphen; every other character is one. */
const WORDS = /[\p{L}\p{N}\p{M}]+(?:['’.:-][\p{L}\p{N}\p{M}]+)*|\S/gu;

/**
 * The text of generated tokens, with the source word in the place of each `<unk>`: the one to which its attention gives the
 * most weight, in its own spelling (Luong et al. 2015, "Addressing the Rare Word Problem in Neural Machine Translation";
 * by attention instead of trained pointers, as in Jean et al. 2015). Several `<unk>` in a row for one word, as subwords give
 * them, give it once.
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
    const span = spans[heaviest(attention[position]!, spans.length)]!;
    const word = words.find(({ start, end }) => start < span[1] && end > span[0]);
    if (word === undefined || word === last) return [];
    last = word;
    return [`${/[\p{L}\p{N}]/u.test(word.word) ? SPACE_MARK : ''}${escapeMarks(word.word)}`];
  });
  return target.detokenize(pieces);
}

/** Index of the largest of the first `count` weights. */
function heaviest(weights: Float32Array, count: number): number {
  let best = 0;
  for (let index = 1; index < count; index++) if (weights[index]! > weights[best]!) best = index;
  return best;
}
