import { formatOfName } from '../config/corpus-format.js';
import type { CorpusConfig } from '../config/schema.js';
import { UsageError } from '../errors.js';
import type { Side } from './odd-characters.js';

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

/** The files of a corpus. */
export function corpusFiles(corpus: CorpusConfig): string[] {
  return corpus.file === undefined ? [sideFile(corpus, 'source'), sideFile(corpus, 'target')] : [corpus.file];
}

/** The file that holds one side of a corpus. */
export function sideFile(corpus: CorpusConfig, side: Side): string {
  const file = corpus.file ?? corpus[side];
  if (file === undefined) {
    throw new UsageError(
      'corpus-incomplete',
      `a corpus needs either \`file\`, or both \`source\` and \`target\`; \`${side}\` is missing`,
    );
  }
  return file;
}

/** `plain` for two aligned files, otherwise as set or as the name of the file says. */
export function corpusFormat(corpus: CorpusConfig): 'plain' | 'tsv' | 'csv' | 'jsonl' {
  if (corpus.file === undefined) return 'plain';
  const format = corpus.format ?? formatOfName(corpus.file);
  if (format !== undefined) return format;
  throw new UsageError('corpus-format-unknown', 'the name of the file does not tell its format', {
    place: { file: corpus.file },
    hint: 'Set `format` of this corpus to tsv, csv or jsonl.',
  });
}
