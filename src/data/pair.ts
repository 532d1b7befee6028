import { formatOfName } from '../config/paths.js';
import type { CorpusConfig } from '../config/schema.js';
import { UsageError } from '../errors.js';
import type { Side } from './odd-characters.js';
import type { UnusableReason } from './unusable-lines.js';

/** A sentence and its translation, as read from the files. Neither contains LF. */
export interface Pair {
  readonly source: string;
  readonly target: string;
  /** The file of the source side. */
  readonly file: string;
  /** Line where the pair starts, from 1. Aligned files share it. */
  readonly line: number;
  /** Index of its corpus in the list read, from 0. */
  readonly corpus: number;
  /**
   * Why the pair cannot be used, if its lines were accepted nevertheless (see `ReadOptions`). Its texts are empty then.
   */
  readonly unusable?: UnusableReason;
}

export function corpusFiles(corpus: CorpusConfig): string[] {
  return corpus.file === undefined ? [sideFile(corpus, 'source'), sideFile(corpus, 'target')] : [corpus.file];
}

/** The file of one side of a corpus. */
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

/** `plain` for two aligned files, otherwise the `format` setting or the format of the file extension. */
export function corpusFormat(corpus: CorpusConfig): 'plain' | 'tsv' | 'csv' | 'jsonl' {
  if (corpus.file === undefined) return 'plain';
  const format = corpus.format ?? formatOfName(corpus.file);
  if (format !== undefined) return format;
  throw new UsageError('corpus-format-unknown', 'cannot tell the format from the file name', {
    place: { file: corpus.file },
    hint: 'Set `format` of this corpus to tsv, csv or jsonl.',
  });
}
