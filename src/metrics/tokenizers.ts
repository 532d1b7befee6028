import { splitWords } from './words.js';

/** The tokenizers of BLEU, by the names in its signature. */
export const BLEU_TOKENIZERS = ['13a', 'intl', 'char', 'none'] as const;
export type BleuTokenizer = (typeof BLEU_TOKENIZERS)[number];

/** Cuts a segment into the words that BLEU counts. */
export function tokenizeForBleu(text: string, tokenizer: BleuTokenizer): string[] {
  return TOKENIZERS[tokenizer](text);
}

const TOKENIZERS: Readonly<Record<BleuTokenizer, (text: string) => string[]>> = {
  '13a': tokenize13a,
  intl: tokenizeInternational,
  char: (text) => [...splitWords(text).join('')],
  none: splitWords,
};

/**
 * The tokenizer of NIST's mteval-v13a.pl, as WMT uses it: ASCII punctuation apart, save apostrophes, hyphens not after
 * a digit, and points and commas between digits.
 */
function tokenize13a(text: string): string[] {
  const joined = text.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
  return splitWords(separateNumberSigns(separateSymbols(` ${unescapeMarkup(joined)} `)));
}

/** The four entities that NIST's files escape. The ampersand comes second: `&amp;lt;` is a `<` in the end. */
export function unescapeMarkup(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll('&quot;', '"').replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>');
}

const SYMBOL = /[ -&(-+/:-@[-`{-~]/g;

/** Spaces around ASCII punctuation and symbols other than `' , - .` */
export function separateSymbols(text: string): string {
  return text.replace(SYMBOL, ' $& ');
}

/** Spaces around points and commas not between digits, and around hyphens after a digit. */
export function separateNumberSigns(text: string): string {
  return text
    .replace(/([^0-9])([.,])/g, '$1 $2 ')
    .replace(/([.,])([^0-9])/g, ' $1 $2')
    .replace(/([0-9])(-)/g, '$1 $2 ');
}

/**
 * The tokenizer of mteval-v14.pl with --international-tokenization: symbols of all scripts apart, and punctuation
 * that is not between numbers. A point after a number at the end of a segment stays with it, as it does there.
 */
function tokenizeInternational(text: string): string[] {
  return splitWords(
    text
      .replace(/(\P{N})(\p{P})/gu, '$1 $2 ')
      .replace(/(\p{P})(\P{N})/gu, ' $1 $2')
      .replace(/\p{S}/gu, ' $& '),
  );
}
