import type { CorpusConfig } from '../config/schema.js';
import { readJsonLines } from './jsonl.js';
import { OddCharacters } from './odd-characters.js';
import { corpusFormat, sideFile, type Pair } from './pair.js';
import { readPlain } from './plain.js';
import { readTable } from './table.js';

export { corpusFiles, corpusFormat, type Pair } from './pair.js';

/** Both sides of a split as text, line by line in step. */
export interface CorpusTexts {
  readonly sources: string[];
  readonly targets: string[];
}

/**
 * Reads the sentence pairs of all corpora one after the other, in blocks as the files are read; weights are ignored.
 *
 * @param odd collects unusual characters
 * @throws S2sError with file and line when the files differ in length, hold invalid UTF-8, lack a column or do not parse
 */
export async function* readPairs(corpora: readonly CorpusConfig[], odd = new OddCharacters()): AsyncGenerator<Pair[]> {
  for (const [number, corpus] of corpora.entries()) {
    const format = corpusFormat(corpus);
    if (format === 'plain') yield* readPlain(sideFile(corpus, 'source'), sideFile(corpus, 'target'), number, odd);
    else if (format === 'jsonl') yield* readJsonLines(corpus, number, odd);
    else yield* readTable(corpus, format, number, odd);
  }
}

/** All text of the corpora, every line kept: for evaluation, where each line must be translated and scored. */
export async function corpusTexts(corpora: readonly CorpusConfig[]): Promise<CorpusTexts> {
  const sources: string[] = [];
  const targets: string[] = [];
  for await (const block of readPairs(corpora)) {
    for (const pair of block) {
      sources.push(pair.source);
      targets.push(pair.target);
    }
  }
  return { sources, targets };
}
