import type { BleuTokenizer } from './tokenizers.js';
import { splitWords } from './words.js';

/** How a text separates words, and the tokenizer of BLEU for it. */
export interface Writing {
  /** The language or script that has no spaces between words; undefined for text with spaces. */
  readonly unspaced: string | undefined;
  readonly bleuTokenizer: BleuTokenizer;
}

/** Scripts without spaces between words, apart from those of Chinese and Japanese. */
const ALPHABETS = {
  Thai: /\p{Script=Thai}/gu,
  Lao: /\p{Script=Lao}/gu,
  Khmer: /\p{Script=Khmer}/gu,
  Burmese: /\p{Script=Myanmar}/gu,
  Tibetan: /\p{Script=Tibetan}/gu,
} as const;
const HAN = /\p{Script=Han}/gu;
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/gu;
const ANY_UNSPACED = new RegExp([HAN, KANA, ...Object.values(ALPHABETS)].map(({ source }) => source).join('|'), 'gu');

/** Japanese has about as many kana as ideographs; Chinese text quotes them rarely. */
const MIN_KANA_SHARE = 0.1;

/**
 * Detects text without spaces between words from the scripts of its characters. The script of most units decides; a
 * unit is a character of such a script, or a word of any other.
 *
 * BLEU counts characters in these scripts: `zh` for Chinese, where Latin words stay words, and `char` for Japanese,
 * Thai, Lao, Khmer, Burmese and Tibetan. Word segmenters such as MeCab are not used.
 */
export function detectWriting(lines: readonly string[]): Writing {
  const counts = new Map<string, number>();
  const count = (name: string, units: number): void => void counts.set(name, (counts.get(name) ?? 0) + units);
  for (const line of lines) {
    for (const [name, pattern] of Object.entries(ALPHABETS)) count(name, matches(line, pattern));
    count('Han', matches(line, HAN));
    count('kana', matches(line, KANA));
    count('spaced', splitWords(line.replace(ANY_UNSPACED, ' ')).filter((word) => /\p{L}/u.test(word)).length);
  }
  const of = (name: string): number => counts.get(name) ?? 0;
  const ideographs = of('Han') + of('kana');
  const cjk = of('kana') >= MIN_KANA_SHARE * ideographs ? 'Japanese' : 'Chinese';
  const scripts = [...Object.keys(ALPHABETS).map((name) => [name, of(name)] as const), [cjk, ideographs] as const];
  const [name, units] = scripts.reduce((most, other) => (other[1] > most[1] ? other : most));
  if (units <= of('spaced')) return { unspaced: undefined, bleuTokenizer: '13a' };
  return { unspaced: name, bleuTokenizer: name === 'Chinese' ? 'zh' : 'char' };
}

function matches(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
