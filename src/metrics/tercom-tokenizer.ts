import { separateNumberSigns, separateSymbols, unescapeMarkup } from './tokenizers.js';
import { splitWords, trimEnd } from './words.js';

export interface TercomOptions {
  /** Whether to set punctuation apart and resolve `&quot;` and its like; default: false. */
  readonly normalized?: boolean;
  /** Whether to drop punctuation; default: false. */
  readonly noPunctuation?: boolean;
  /** Whether the two above care for Chinese and Japanese, too; default: false. */
  readonly asianSupport?: boolean;
  /** Whether case matters; default: false. */
  readonly caseSensitive?: boolean;
}

/** CJK ideographs, strokes, radicals, compatibility forms and enclosed letters: each a word. */
const IDEOGRAPH = /[\u4e00-\u9fff\u31c0-\u31ef\u2e80-\u2eff\u3200-\u4dbf\uf900-\ufaff\ufe30-\ufe4f]/g;
const ASIAN_PUNCTUATION =
  /[\u3001\u3002\u3008-\u3011\u3014-\u301f\uff61-\uff65\u30fb\uff0e\uff0c\uff1f\uff1a\uff1b\uff01\uff02\uff08\uff09]/g;
const PUNCTUATION = /[.,?:;!"()]/g;

/** Cuts a segment into the words that TER counts, as tercom's Normalizer.java does. */
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

/** Kana stay together: tercom's rule for them asks for kana at the start of the line, where there is a space by then. */
function normalize(text: string, asianSupport: boolean): string {
  const joined = unescapeMarkup(text.replaceAll('\n-', '').replaceAll('\n', ' '));
  const western = separateNumberSigns(separateSymbols(` ${joined} `).replaceAll("'s ", " 's "));
  return asianSupport ? western.replace(IDEOGRAPH, ' $& ').replace(ASIAN_PUNCTUATION, ' $& ') : western;
}
