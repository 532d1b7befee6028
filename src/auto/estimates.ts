import type { TokenizerConfig } from '../config/schema.js';
import type { CorpusFacts, SideFacts } from '../data/facts.js';

/* Estimates from the counts of a training text, on which the rules of src/auto/rules.ts depend. */

/** Characters of scripts without spaces that correspond to a word. */
const CHARACTERS_PER_WORD = 1.7;

/** Words of a side. In scripts without spaces, 1.7 characters count as a word. */
export function wordsOf({ words, unspaced }: SideFacts): number {
  return words + unspaced / CHARACTERS_PER_WORD;
}

/** Words of both sides, the measure of how much text there is. */
export function amountOfText({ source, target }: CorpusFacts): number {
  return wordsOf(source) + wordsOf(target);
}

/** Estimated tokens of a side, without `</s>`. */
export function tokensOf(side: SideFacts, type: TokenizerConfig['type'], size: number): number {
  switch (type) {
    case 'char':
      return side.characters + side.words;
    case 'word':
      return 1.15 * side.words + side.unspaced / CHARACTERS_PER_WORD;
    case 'bpe':
    case 'unigram':
      return (
        Math.max(side.words, (side.characters - side.unspaced) / charactersPerSubword(size)) + side.unspaced / 1.15
      );
  }
}

/**
 * Measured, without spaces, in German, English and French: 2.7 to 3.0 characters a subword at 1,300 pieces, 3.0 to 3.4
 * at 2,400 to 2,900, 3.4 to 3.9 at 4,500; in Chinese, 1.15 characters a subword.
 */
function charactersPerSubword(size: number): number {
  return Math.min(5, Math.max(2, 3.2 + 0.45 * Math.log2(size / 3000)));
}

/**
 * Distinct words per power of the words below which a text is repetitive: 2.7 and 4.0 in the demo, 7.4 and 12.3 in
 * Multi30k.
 */
const REPETITIVE = 5;
/** Words from which the ratio means something. */
const ENOUGH_WORDS = 50_000;

/**
 * Whether a text repeats few words in few constructions, as the sentences of a grammar or of templates do. The number
 * of distinct words grows with a power of the words (Heaps' law), here 0.6. Not known for scripts without spaces.
 */
export function isRepetitive({ source, target }: CorpusFacts): boolean {
  return [source, target].every(
    ({ words, distinctWords, unspaced }) =>
      unspaced === 0 && words >= ENOUGH_WORDS && distinctWords < REPETITIVE * words ** 0.6,
  );
}
