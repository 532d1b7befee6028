import { splitWords } from './words.js';

/** The tokenizers of BLEU, named as in its signature. */
export const BLEU_TOKENIZERS = ['13a', 'intl', 'zh', 'char', 'none'] as const;
export type BleuTokenizer = (typeof BLEU_TOKENIZERS)[number];

/** Tokenises a segment for BLEU. */
export function tokenizeForBleu(text: string, tokenizer: BleuTokenizer): string[] {
  return TOKENIZERS[tokenizer](text);
}

const TOKENIZERS: Readonly<Record<BleuTokenizer, (text: string) => string[]>> = {
  '13a': tokenize13a,
  intl: tokenizeInternational,
  zh: tokenizeChinese,
  char: (text) => [...splitWords(text).join('')],
  none: splitWords,
};

/**
 * The tokenizer of NIST's mteval-v13a.pl, as used by WMT. Separates ASCII punctuation except apostrophes, hyphens not
 * after a digit, and full stops and commas between digits.
 */
function tokenize13a(text: string): string[] {
  const line = text.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
  return splitWords(separateNumberSigns(separateSymbols(` ${unescapeMarkup(line)} `)));
}

/**
 * The characters that sacreBLEU's `zh` takes for Chinese: ideographs, radicals, full-width and CJK punctuation, and
 * symbols. sacreBLEU writes its ranges of the supplementary planes with four hexadecimal digits, so that U+20000 to
 * U+2A6D6 became U+2001 to U+2A6D, with dashes, quotation marks and arrows, and U+2F800 to U+2FA1D became U+2F81 to
 * U+2FA1; scores are equal only with the same ranges.
 */
const CHINESE = new RegExp(
  '[\\u2001-\\u2a6d\\u2e80-\\u2fdf\\u2ff0-\\u303f\\u3100-\\u312f\\u31a0-\\u31bf\\u31c0-\\u31ef\\u3200-\\u33ff' +
    '\\u3400-\\u4db5\\u4e00-\\u9fbb\\uf900-\\ufa2d\\ufa30-\\ufa6a\\ufa70-\\ufad9\\ufe10-\\ufe1f\\ufe30-\\ufe4f\\uff00-\\uffef]',
  'gu',
);

/** sacreBLEU's tokenizer for Chinese: each Chinese character is a token, the rest is tokenised as by 13a. */
function tokenizeChinese(text: string): string[] {
  return splitWords(separateNumberSigns(separateSymbols(text.replace(CHINESE, ' $& '))));
}

/** Unescapes the four entities of NIST's files. The ampersand comes second, so `&amp;lt;` becomes `<`. */
export function unescapeMarkup(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll('&quot;', '"').replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>');
}

const SYMBOL = /[ -&(-+/:-@[-`{-~]/g;

/** Adds spaces around ASCII punctuation and symbols other than `' , - .` */
export function separateSymbols(text: string): string {
  return text.replace(SYMBOL, ' $& ');
}

/** Adds spaces around full stops and commas not between digits, and around hyphens after a digit. */
export function separateNumberSigns(text: string): string {
  return text
    .replace(/([^0-9])([.,])/g, '$1 $2 ')
    .replace(/([.,])([^0-9])/g, ' $1 $2')
    .replace(/([0-9])(-)/g, '$1 $2 ');
}

/**
 * The tokenizer of mteval-v14.pl with --international-tokenization. Separates symbols of all scripts, and punctuation
 * that is not between numbers. As in mteval, a full stop after a number at the end of a segment is not separated.
 */
function tokenizeInternational(text: string): string[] {
  return splitWords(
    text
      .replace(/(\P{N})(\p{P})/gu, '$1 $2 ')
      .replace(/(\p{P})(\P{N})/gu, ' $1 $2')
      .replace(/\p{S}/gu, ' $& '),
  );
}
