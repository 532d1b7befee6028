import type { CorpusConfig } from '../config/schema.js';
import { UsageError } from '../errors.js';
import { readJsonLines } from './jsonl.js';
import { OddCharacters, type Side } from './odd-characters.js';
import { readPlain } from './plain.js';
import { readTable } from './table.js';

/** One sentence and its translation, as they stand in the files. Neither text contains LF. */
export interface Pair {
  readonly source: string;
  readonly target: string;
  /** The file of the source side. */
  readonly file: string;
  /** Line where the pair starts, from 1; for aligned files the line of both. */
  readonly line: number;
  /** Number of its corpus in the list read, from 0. */
  readonly corpus: number;
}

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

/** The files of a corpus. */
export function corpusFiles(corpus: CorpusConfig): string[] {
  return corpus.file === undefined ? [sideFile(corpus, 'source'), sideFile(corpus, 'target')] : [corpus.file];
}

/** The file that holds one side of a corpus. */
export function sideFile(corpus: CorpusConfig, side: Side): string {
  const file = corpus.file ?? corpus[side];
  if (file === undefined) {
    throw new UsageError('corpus-incomplete', `a corpus needs either \`file\`, or both \`source\` and \`target\`; \`${side}\` is missing`);
  }
  return file;
}

/** `plain` for two aligned files, otherwise as set or as the name of the file says. */
export function corpusFormat(corpus: CorpusConfig): 'plain' | 'tsv' | 'csv' | 'jsonl' {
  if (corpus.file === undefined) return 'plain';
  if (corpus.format !== undefined) return corpus.format;
  const ending = /\.([a-z]+)(\.gz)?$/i.exec(corpus.file)?.[1]?.toLowerCase();
  if (ending === 'tsv' || ending === 'csv' || ending === 'jsonl') return ending;
  if (ending === 'ndjson') return 'jsonl';
  if (ending === 'tab') return 'tsv';
  throw new UsageError('corpus-format-unknown', 'the name of the file does not tell its format', {
    place: { file: corpus.file },
    hint: 'Set `format` of this corpus to tsv, csv or jsonl.',
  });
}
