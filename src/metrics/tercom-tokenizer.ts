import { separateNumberSigns, separateSymbols, unescapeMarkup } from './tokenizers.js';
import { splitWords, trimEnd } from './words.js';

export interface TercomOptions {
  /** Separate punctuation and unescape XML entities; default: false. */
  readonly normalized?: boolean;
  /** Remove punctuation; default: false. */
  readonly noPunctuation?: boolean;
  /** Apply the two options above to Chinese and Japanese, too; default: false. */
  readonly asianSupport?: boolean;
  /** Case-sensitive scoring; default: false. */
  readonly caseSensitive?: boolean;
}

/** CJK ideographs, strokes, radicals, compatibility forms and enclosed letters, each tokenised as a word. */
const IDEOGRAPH = /[\u4e00-\u9fff\u31c0-\u31ef\u2e80-\u2eff\u3200-\u4dbf\uf900-\ufaff\ufe30-\ufe4f]/g;
const ASIAN_PUNCTUATION =
  /[\u3001\u3002\u3008-\u3011\u3014-\u301f\uff61-\uff65\u30fb\uff0e\uff0c\uff1f\uff1a\uff1b\uff01\uff02\uff08\uff09]/g;
const PUNCTUATION = /[.,?:;!"()]/g;

/** Tokenises a segment for TER, following tercom's Normalizer.java. */
export function tokenizeForTer(
  text: string,
  { normalized = false, noPunctuation = false, asianSupport = false, caseSensitive = false }: TercomOptions,
): string[] {
  let result = trimEnd(text);
  if (!caseSensitive) result = result.toLowerCase();
  if (normalized) result = normalize(result, asianSupport);
  if (noPunctuation) {
    result = result.replace(PUNCTUATION, '');
    if (asianSupport) result = result.replace(ASIAN_PUNCTUATION, '');
  }
  return splitWords(result);
}

/** Kana are not split: tercom's rule for them never matches, since it expects kana at the start of the line. */
function normalize(text: string, asianSupport: boolean): string {
  const unescaped = unescapeMarkup(text.replaceAll('\n-', '').replaceAll('\n', ' '));
  const western = separateNumberSigns(separateSymbols(` ${unescaped} `).replaceAll("'s ", " 's "));
  return asianSupport ? western.replace(IDEOGRAPH, ' $& ').replace(ASIAN_PUNCTUATION, ' $& ') : western;
}
