import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { CorpusConfig } from '../config/schema.js';
import { makeFolder } from '../files/make-folder.mjs';
import { replaceFile } from '../files/replace.mjs';
import { readPairs, type PairBlocks } from './corpus.js';

const count = z.number().min(0);

const sideFacts = z.object({
  /** Words between spaces. */
  words: count,
  /** Distinct words, estimated. */
  distinctWords: count,
  /** Characters, without spaces. */
  characters: count,
  /** Characters of scripts that do not put spaces between words, such as Chinese, Japanese, Thai and Khmer. */
  unspaced: count,
  /** Words of a sentence that is longer than 995 of 1,000 sentences. */
  longWords: count,
  /** Characters, without spaces, of a sentence that is longer than 995 of 1,000 sentences. */
  longCharacters: count,
  /** Distinct characters that make up 99.99 % of the text. */
  alphabet: count,
});

const corpusFacts = z.object({
  /** Pairs without an empty side. */
  pairs: count,
  /** Pairs in an epoch: those of each corpus times its weight. */
  epochPairs: count,
  source: sideFacts,
  target: sideFacts,
  /** Distinct characters that make up 99.99 % of both sides. */
  alphabet: count,
});

/** Counts of one side of the training text. */
export type SideFacts = Readonly<z.infer<typeof sideFacts>>;
/** What the settings that are `auto` depend on: counts of the training text. */
export type CorpusFacts = Readonly<z.infer<typeof corpusFacts>>;

/** Longest sentence whose length is counted exactly, in words or characters. */
const LONGEST = 4095;
/** Share of the text that the counted alphabet makes up: in large corpora, the rest is noise. */
const ALPHABET_COVERAGE = 0.9999;
/** Share of the sentences that `longWords` and `longCharacters` are not shorter than. */
const NOT_LONG = 0.995;
/** Of the 32-bit FNV-1a hash. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const CODE_POINTS = 0x110000;
/** Bits of the set of words, see `SideCounter`. */
const WORD_BITS = 1 << 24;

/**
 * Counts a side in memory of fixed size. Distinct words are estimated by linear counting (Whang et al. 1990): each word
 * sets the bit of its hash.
 */
class SideCounter {
  private words = 0;
  private readonly wordBits = new Uint8Array(WORD_BITS >> 3);
  private readonly occurrences = new Float64Array(CODE_POINTS);
  private readonly wordsPerSentence = new Float64Array(LONGEST + 1);
  private readonly charactersPerSentence = new Float64Array(LONGEST + 1);

  add(text: string): void {
    let words = 0;
    let characters = 0;
    let inWord = false;
    let hash = FNV_OFFSET;
    for (let index = 0; index < text.length; index++) {
      const codePoint = text.codePointAt(index)!;
      if (codePoint > 0xffff) index++;
      if (codePoint === 0x20 || codePoint === 0x09 || codePoint === 0xa0 || codePoint === 0x0d) {
        if (inWord) this.addWord(hash);
        inWord = false;
        continue;
      }
      if (!inWord) words++;
      hash = Math.imul((inWord ? hash : FNV_OFFSET) ^ codePoint, FNV_PRIME);
      inWord = true;
      characters++;
      this.occurrences[codePoint]!++;
    }
    if (inWord) this.addWord(hash);
    if (words === 0) return;
    this.words += words;
    this.wordsPerSentence[Math.min(words, LONGEST)]!++;
    this.charactersPerSentence[Math.min(characters, LONGEST)]!++;
  }

  private addWord(hash: number): void {
    // The high bits of an FNV hash are mixed best.
    const bit = (hash ^ (hash >>> 15)) & (WORD_BITS - 1);
    this.wordBits[bit >> 3]! |= 1 << (bit & 7);
  }

  private distinctWords(): number {
    let zeros = 0;
    for (const byte of this.wordBits) for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) === 0) zeros++;
    return Math.round(WORD_BITS * Math.log(WORD_BITS / Math.max(1, zeros)));
  }

  facts(): SideFacts {
    let characters = 0;
    let unspaced = 0;
    this.occurrences.forEach((occurrences, codePoint) => {
      if (occurrences === 0) return;
      characters += occurrences;
      if (UNSPACED.test(String.fromCodePoint(codePoint))) unspaced += occurrences;
    });
    return {
      words: this.words,
      distinctWords: this.distinctWords(),
      characters,
      unspaced,
      longWords: quantile(this.wordsPerSentence),
      longCharacters: quantile(this.charactersPerSentence),
      alphabet: alphabetOf([this.occurrences]),
    };
  }

  static alphabetOfBoth(source: SideCounter, target: SideCounter): number {
    return alphabetOf([source.occurrences, target.occurrences]);
  }
}

/**
 * Streams the training text once and counts it, in memory that does not grow with the text.
 *
 * @param read returns the pairs to count; by default all pairs of the corpora
 */
export async function countCorpus(
  corpora: readonly CorpusConfig[],
  read: () => PairBlocks = () => readPairs(corpora),
): Promise<CorpusFacts> {
  const source = new SideCounter();
  const target = new SideCounter();
  let pairs = 0;
  let epochPairs = 0;
  for await (const block of read()) {
    for (const pair of block) {
      if (pair.source.trim() === '' || pair.target.trim() === '') continue;
      source.add(pair.source);
      target.add(pair.target);
      pairs++;
      epochPairs += corpora[pair.corpus]?.weight ?? 1;
    }
  }
  const alphabet = SideCounter.alphabetOfBoth(source, target);
  return { pairs, epochPairs, source: source.facts(), target: target.facts(), alphabet };
}

/**
 * Like `countCorpus`, with the counts cached in a file.
 *
 * @param key identifies the pairs that are counted, and the weights of the corpora
 */
export async function cachedCounts(
  corpora: readonly CorpusConfig[],
  directory: string,
  key: string,
  read?: () => PairBlocks,
): Promise<CorpusFacts> {
  const file = path.join(directory, `counts-${key.slice(0, 24)}.json`);
  try {
    return corpusFacts.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // Without a valid file, the text is counted.
  }
  const facts = await countCorpus(corpora, read);
  try {
    makeFolder(directory);
    await replaceFile(file, `${JSON.stringify(facts, undefined, 1)}\n`);
  } catch {
    // Without the file, the text is counted again next time.
  }
  return facts;
}

/** The number of characters that make up `ALPHABET_COVERAGE` of the text. */
function alphabetOf(sides: readonly Float64Array[]): number {
  const counts = sides[0]!
    .map((_, codePoint) => sides.reduce((sum, side) => sum + side[codePoint]!, 0))
    .filter((occurrences) => occurrences > 0)
    .sort()
    .reverse();
  const wanted = ALPHABET_COVERAGE * counts.reduce((sum, occurrences) => sum + occurrences, 0);
  let covered = 0;
  let size = 0;
  while (size < counts.length && covered < wanted) covered += counts[size++]!;
  return size;
}

function quantile(histogram: Float64Array): number {
  const total = histogram.reduce((sum, sentences) => sum + sentences, 0);
  let below = 0;
  for (let length = 0; length < histogram.length; length++) {
    below += histogram[length]!;
    if (below >= NOT_LONG * total) return length;
  }
  return 0;
}
