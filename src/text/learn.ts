import { Tokenizer as Library } from 'tokenizers';
import type { TokenizerConfig } from '../config/schema.js';
import { chooseAlphabet, type PieceCounts } from '../vocab/alphabet.js';
import { learnBpe } from '../vocab/learn-bpe.js';
import { learnUnigram } from '../vocab/learn-unigram.js';
import { SPECIAL_TOKENS, UNK } from '../vocab/special.js';
import { SPACE_MARK, tokenizerDefinition, type ModelDefinition } from './definition.js';

/** Resolved settings of one tokenizer. */
export type LearnSettings = Pick<TokenizerConfig, 'type' | 'size' | 'minimumFrequency' | 'normalization' | 'lowercase'>;

/** A learned tokenizer and its coverage of the training text. */
export interface LearnedTokenizer {
  /** Content of tokenizer.json. */
  readonly json: string;
  /** Vocabulary size, special tokens included; below the requested size if the text is too small. */
  readonly size: number;
  /** Distinct characters (words for `word`) of the text in the vocabulary, and outside it. */
  readonly types: { readonly kept: number; readonly left: number };
  /** Fraction of all character (word) occurrences in the text that the vocabulary covers, 0 to 1. */
  readonly coverage: number;
}

/** With more distinct words than this, rare ones are dropped, which bounds memory. */
const MAX_DISTINCT_WORDS = 6_000_000;

/** Maximum fraction of a subword vocabulary used for single characters; the rarest become `<unk>`. */
const ALPHABET_SHARE = 0.5;

/** Counts the space-separated words of a text, all that learning a vocabulary needs. */
export class TextCounter {
  private readonly counts = new Map<string, number>();
  private rare = 1;

  /** Whether the text has only spaces. */
  get isEmpty(): boolean {
    return this.counts.size === 0 || (this.counts.size === 1 && this.counts.has(''));
  }

  add(text: string): void {
    for (const word of text.split(' ')) this.counts.set(word, (this.counts.get(word) ?? 0) + 1);
    // Lossy counting: drops the least frequent words until the rest fits.
    for (; this.counts.size > MAX_DISTINCT_WORDS; this.rare++) {
      for (const [word, count] of this.counts) if (count <= this.rare) this.counts.delete(word);
    }
  }

  /** Counts of the pre-tokens of the text. Each distinct word, with the space before it, is pre-tokenised once. */
  pieces(settings: LearnSettings): Map<string, number> {
    const empty: ModelDefinition = { type: 'WordLevel', vocab: { '<unk>': UNK }, unk_token: '<unk>' };
    // Every word is preceded by a space here, so no prefix is needed.
    const library = Library.fromString(JSON.stringify(tokenizerDefinition(settings, empty, false)));
    const normalizer = library.getNormalizer();
    const preTokenizer = library.getPreTokenizer();
    const pieces = new Map<string, number>();
    for (const [word, count] of this.counts) {
      const normalized = normalizer?.normalizeString(` ${word}`) ?? ` ${word}`;
      for (const [piece] of preTokenizer?.preTokenizeString(normalized) ?? [])
        pieces.set(piece, (pieces.get(piece) ?? 0) + count);
    }
    // Sorted, so that ties and rounding do not depend on the order of the text.
    return new Map([...pieces].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Learns a tokenizer from counted text. */
export function learnTokenizer(text: TextCounter, settings: LearnSettings): LearnedTokenizer {
  const pieces = text.pieces(settings);
  const { model, size, types, coverage } =
    settings.type === 'word' ? learnWords(pieces, settings) : learnSubwords(pieces, settings);
  return { json: `${JSON.stringify(tokenizerDefinition(settings, model), undefined, 1)}\n`, size, types, coverage };
}

/**
 * The smallest vocabulary size with which every character of a text is in the vocabulary.
 *
 * @param characters number of distinct characters of the text
 */
export function sizeForCharacters(characters: number, type: LearnSettings['type']): number {
  return SPECIAL_TOKENS.length + (type === 'char' ? characters : Math.ceil(characters / ALPHABET_SHARE));
}

type LearnedModel = Omit<LearnedTokenizer, 'json'> & { readonly model: ModelDefinition };

function learnWords(pieces: PieceCounts, settings: LearnSettings): LearnedModel {
  const kept = [...pieces]
    .filter(([, count]) => count >= settings.minimumFrequency)
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, settings.size - SPECIAL_TOKENS.length);
  const running = sum(pieces.values());
  return {
    model: { type: 'WordLevel', vocab: vocabularyOf(kept.map(([word]) => word)), unk_token: SPECIAL_TOKENS[UNK] },
    size: SPECIAL_TOKENS.length + kept.length,
    types: { kept: kept.length, left: pieces.size - kept.length },
    coverage: running === 0 ? 1 : sum(kept.map(([, count]) => count)) / running,
  };
}

function learnSubwords(pieces: PieceCounts, settings: LearnSettings): LearnedModel {
  const { minimumFrequency } = settings;
  const size = settings.size - SPECIAL_TOKENS.length;
  const limit = settings.type === 'char' ? size : Math.floor(size * ALPHABET_SHARE);
  const alphabet = chooseAlphabet(pieces, { limit, minimumFrequency, always: SPACE_MARK });
  const options = {
    alphabet: alphabet.characters,
    size: settings.type === 'char' ? alphabet.characters.length : size,
    minimumFrequency,
  };
  const { model, learned } = settings.type === 'unigram' ? unigramModel(pieces, options) : bpeModel(pieces, options);
  return {
    model,
    size: SPECIAL_TOKENS.length + learned,
    types: { kept: alphabet.characters.length, left: alphabet.left },
    coverage: alphabet.coverage,
  };
}

interface SubwordOptions {
  readonly alphabet: readonly string[];
  readonly size: number;
  readonly minimumFrequency: number;
}

/** With `size` equal to the alphabet size, BPE has no merges and is a character vocabulary. */
function bpeModel(pieces: PieceCounts, options: SubwordOptions): { model: ModelDefinition; learned: number } {
  const { tokens, merges } = learnBpe(pieces, options);
  return {
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: SPECIAL_TOKENS[UNK],
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: vocabularyOf(tokens),
      merges,
    },
    learned: tokens.length,
  };
}

function unigramModel(pieces: PieceCounts, options: SubwordOptions): { model: ModelDefinition; learned: number } {
  const tokens = learnUnigram(pieces, options);
  // The scores of special tokens have no effect: no pre-token contains `<` followed by another character.
  const special = SPECIAL_TOKENS.map((token) => [token, 0] as const);
  return {
    model: { type: 'Unigram', unk_id: UNK, byte_fallback: false, vocab: [...special, ...tokens] },
    learned: tokens.length,
  };
}

function vocabularyOf(tokens: readonly string[]): Record<string, number> {
  return Object.fromEntries([...SPECIAL_TOKENS, ...tokens].map((token, id) => [token, id]));
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
