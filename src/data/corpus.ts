import type { CorpusConfig } from '../config/schema.js';
import type { ShiftedRows } from './column-counts.js';
import { readJsonLines } from './jsonl.js';
import { OddCharacters } from './odd-characters.js';
import { corpusFormat, type Pair } from './pair.js';
import { readPlain } from './plain.js';
import { readTable } from './table.js';
import type { LinePolicy } from './unusable-lines.js';

export { corpusFiles, corpusFormat, type Pair } from './pair.js';

/** Sentence pairs in blocks. */
export type PairBlocks = AsyncIterable<Pair[]> | Iterable<Pair[]>;

export interface ReadOptions {
  /** What is done about lines that cannot be used. Default: they are errors. */
  readonly lines?: LinePolicy | undefined;
  /** Called after each table whose rows differ in their number of columns. */
  readonly onShiftedRows?: (shifted: ShiftedRows) => void;
}

/** The sentences of both sides of a split, in parallel. */
export interface CorpusTexts {
  readonly sources: string[];
  readonly targets: string[];
}

/**
 * Streams the sentence pairs of all corpora in order, in blocks; weights are ignored.
 *
 * @param odd counts unusual characters
 * @throws S2sError with file and line if aligned files differ in length, or a file is not text, not valid UTF-8, lacks
 *   a column or cannot be parsed
 */
export async function* readPairs(
  corpora: readonly CorpusConfig[],
  odd = new OddCharacters(),
  options: ReadOptions = {},
): AsyncGenerator<Pair[]> {
  for (const [number, corpus] of corpora.entries()) {
    const format = corpusFormat(corpus);
    if (format === 'plain') yield* readPlain(corpus, number, odd, options);
    else if (format === 'jsonl') yield* readJsonLines(corpus, number, odd, options);
    else yield* readTable(corpus, format, number, odd, options);
  }
}

/** All text of the pairs, unfiltered, since evaluation translates and scores every line. */
export async function corpusTexts(blocks: PairBlocks): Promise<CorpusTexts> {
  const sources: string[] = [];
  const targets: string[] = [];
  for await (const block of blocks) {
    for (const pair of block) {
      sources.push(pair.source);
      targets.push(pair.target);
    }
  }
  return { sources, targets };
}
