import { stat } from 'node:fs/promises';
import { formatOfName } from '../config/paths.js';
import type { CorpusConfig } from '../config/schema.js';
import { UsageError } from '../errors.js';
import { readHead, type Head } from './head.js';
import { jsonLayout, looksLikeJson } from './json-layout.js';
import { tableLayout } from './table-layout.js';

/** A column that may be one side of the pairs. */
export interface Column {
  /** Name in a header or key of a JSON object, if there is one. */
  readonly name: string | undefined;
  /** Cells of the first rows. */
  readonly cells: readonly string[];
}

/** What was recognised in the files: columns, and the corpus that two of them are. */
export interface Layout {
  readonly format: 'plain' | 'tsv' | 'csv' | 'jsonl';
  readonly columns: readonly Column[];
  /** @param sides indices of source and target in `columns` */
  corpusOf(sides: Sides): CorpusConfig;
}

/** Indices of the columns of source and target, from 0. */
export interface Sides {
  readonly source: number;
  readonly target: number;
}

/**
 * Recognises the format and the columns of one file with both sides, or of two aligned files, from their first lines.
 *
 * @param names columns that the user names; a first row that has them is a header
 * @throws UsageError `init-files`, `init-empty`, `init-one-column`; S2sError like `readLineBlocks`
 */
export async function recogniseLayout(files: readonly string[], names: readonly string[] = []): Promise<Layout> {
  for (const file of files) await assertRegular(file);
  if (files.length === 2 && files[0] === files[1])
    throw new UsageError('init-files', 'is given as both sides', { place: { file: files[0]! } });
  const heads = await Promise.all(files.map(readHead));
  for (const [index, { lines }] of heads.entries())
    if (lines.every((line) => line.trim() === ''))
      throw new UsageError('init-empty', 'the file is empty', { place: { file: files[index]! } });
  const [first, second] = files;
  if (second === undefined) return fileLayout(first!, heads[0]!, names);
  for (const file of files) {
    if (formatOfName(file) === undefined) continue;
    throw new UsageError('init-files', 'is a table, but two files must be plain text with one sentence per line', {
      place: { file },
      hint: 'Name one table with both sides, or two aligned text files. More corpora can be added to the configuration.',
    });
  }
  return {
    format: 'plain',
    columns: heads.map(({ lines }, index) => ({ name: suffixOf(files[index]!), cells: lines })),
    corpusOf: ({ source, target }) => ({ source: files[source]!, target: files[target]! }),
  };
}

function fileLayout(file: string, head: Head, names: readonly string[]): Layout {
  const named = formatOfName(file);
  const layout =
    named === 'jsonl' || (named === undefined && looksLikeJson(head))
      ? jsonLayout(file, head, named === 'jsonl')
      : tableLayout(file, head, { format: named, columns: names });
  if (layout.columns.length >= 2) return layout;
  throw new UsageError('init-one-column', 'has one column of text, but source and target are needed', {
    place: { file },
    hint:
      'Name a table with two columns (tab, comma or semicolon between them), JSON Lines, or two files of which line ' +
      'N of one translates line N of the other.',
  });
}

async function assertRegular(file: string): Promise<void> {
  if (file !== '-' && (await stat(file)).isFile()) return;
  throw new UsageError('init-files', 'is not a regular file, and a configuration needs the path of one', {
    place: { file: file === '-' ? 'stdin' : file },
    hint: 'Write the text to a file first, and name that.',
  });
}

/** `de` of `train.de.gz`: often the language. */
function suffixOf(file: string): string | undefined {
  return /\.([^./]+?)(?:\.gz)?$/.exec(file)?.[1];
}
