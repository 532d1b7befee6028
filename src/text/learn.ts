import { Tokenizer as Library } from 'tokenizers';
import type { TokenizerConfig } from '../config/schema.js';
import { chooseAlphabet, type PieceCounts } from '../vocab/alphabet.js';
import { learnBpe } from '../vocab/learn-bpe.js';
import { learnUnigram } from '../vocab/learn-unigram.js';
import { SPECIAL_TOKENS, UNK } from '../vocab/special.js';
import { SPACE_MARK, tokenizerDefinition, type ModelDefinition } from './definition.js';

/** The settings of one tokenizer, all defaults filled in. */
export type LearnSettings = Pick<TokenizerConfig, 'type' | 'size' | 'minimumFrequency' | 'normalization' | 'lowercase'>;

/** A learned tokenizer and how it fits the text it was learned from. */
export interface LearnedTokenizer {
  /** Content of the tokenizer.json file. */
  readonly json: string;
  /** Number of ids, the special symbols included; below the size asked for when the text has no more. */
  readonly size: number;
  /** Distinct characters (words for `word`) of the text that are in the vocabulary, and that are not. */
  readonly types: { readonly kept: number; readonly left: number };
  /** Share of the running characters (words for `word`) of the text that the vocabulary covers, 0 to 1. */
  readonly coverage: number;
}

/** Beyond this many distinct stretches of text the rare ones are forgotten, so that memory has a limit. */
const MAXIMUM_STRETCHES = 6_000_000;

/** Subword vocabularies give at most this share of their places to single characters; the rarest go to `<unk>`. */
const ALPHABET_SHARE = 0.5;

/** Counts the stretches between spaces of a growing text: all that learning needs of it. */
export class TextCounter {
  private readonly counts = new Map<string, number>();
  private rare = 1;

  /** Whether there was nothing but spaces. */
  get isEmpty(): boolean {
    return this.counts.size === 0 || (this.counts.size === 1 && this.counts.has(''));
  }

  add(text: string): void {
    for (const stretch of text.split(' ')) this.counts.set(stretch, (this.counts.get(stretch) ?? 0) + 1);
    // Lossy counting: what has been seen least is dropped, until there is room again.
    for (; this.counts.size > MAXIMUM_STRETCHES; this.rare++) {
      for (const [stretch, count] of this.counts) if (count <= this.rare) this.counts.delete(stretch);
    }
  }

  /** The text as the tokenizer will cut it: each stretch with the space before it, normalised and cut once. */
  pieces(settings: LearnSettings): Map<string, number> {
    const empty: ModelDefinition = { type: 'WordLevel', vocab: { '<unk>': UNK }, unk_token: '<unk>' };
    // The prefix of the first word is that of every other word here, so none needs to be put there.
    const library = Library.fromString(JSON.stringify(tokenizerDefinition(settings, empty, false)));
    const normalizer = library.getNormalizer();
    const preTokenizer = library.getPreTokenizer();
    const pieces = new Map<string, number>();
    for (const [stretch, count] of this.counts) {
      const normalized = normalizer?.normalizeString(` ${stretch}`) ?? ` ${stretch}`;
      for (const [piece] of preTokenizer?.preTokenizeString(normalized) ?? [])
        pieces.set(piece, (pieces.get(piece) ?? 0) + count);
    }
    // In an order of its own, so that the order of the text does not show in ties and roundings.
    return new Map([...pieces].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Learns the vocabulary of a tokenizer from counted text. */
export function learnTokenizer(text: TextCounter, settings: LearnSettings): LearnedTokenizer {
  const pieces = text.pieces(settings);
  const { model, size, types, coverage } =
    settings.type === 'word' ? learnWords(pieces, settings) : learnSubwords(pieces, settings);
  return { json: `${JSON.stringify(tokenizerDefinition(settings, model), undefined, 1)}\n`, size, types, coverage };
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

/** With `size` no larger than the alphabet there are no merges, and the tokens are the characters. */
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
  // The special symbols never compete: no piece of text holds a `<` with something behind it.
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
