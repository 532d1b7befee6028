import { splitWords } from './words.js';

/** The tokenizers of BLEU, named as in its signature. */
export const BLEU_TOKENIZERS = ['13a', 'intl', 'char', 'none'] as const;
export type BleuTokenizer = (typeof BLEU_TOKENIZERS)[number];

/** Tokenises a segment for BLEU. */
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
 * The tokenizer of NIST's mteval-v13a.pl, as used by WMT. Separates ASCII punctuation except apostrophes, hyphens not
 * after a digit, and full stops and commas between digits.
 */
function tokenize13a(text: string): string[] {
  const line = text.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
  return splitWords(separateNumberSigns(separateSymbols(` ${unescapeMarkup(line)} `)));
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
