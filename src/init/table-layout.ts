import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import type { CorpusConfig } from '../config/schema.js';
import { meaningOfName } from './column-names.js';
import type { Head } from './head.js';
import type { Column, Layout } from './layout.js';

type TableFormat = 'tsv' | 'csv';

/** How the rows of a table are read. */
interface Dialect {
  readonly format: TableFormat;
  readonly delimiter: string;
  readonly quote: '"' | '';
}

interface Table extends Dialect {
  readonly rows: readonly (readonly string[])[];
  /** Number of columns of most rows. */
  readonly width: number;
}

const DELIMITERS = { tsv: ['\t'], csv: [',', ';', '\t', '|'] } as const;
const DEFAULTS = { tsv: { delimiter: '\t', quote: '' }, csv: { delimiter: ',', quote: '"' } } as const;
/** Fraction of the rows that must have the same number of columns. */
const LEAST_REGULAR = 0.9;

/**
 * The columns of a table, tab-separated or with another delimiter that gives most rows the same number of columns.
 *
 * @param known the format that the name of the file says, if any, and names of columns that the header has
 */
export function tableLayout(
  file: string,
  head: Head,
  known: { readonly format: TableFormat | undefined; readonly columns: readonly string[] },
): Layout {
  const table = recogniseTable(head, known.format);
  const header = headerOf(table, known.columns);
  const rows = header === undefined ? table.rows : table.rows.slice(1);
  const columns = Array.from({ length: table.width }, (_, index): Column => {
    const name = header?.[index]?.trim();
    return { name: name === '' ? undefined : name, cells: rows.map((row) => row[index] ?? '') };
  });
  return {
    format: table.format,
    columns,
    corpusOf: ({ source, target }) => {
      const isNamed = [source, target].every((index) => isUnique(columns[index]?.name, columns));
      const keyOf = (index: number): string | number => (isNamed ? header![index]! : index + 1);
      return {
        file,
        ...(known.format === table.format ? {} : { format: table.format }),
        sourceColumn: keyOf(source),
        targetColumn: keyOf(target),
        ...(header !== undefined && !isNamed ? { header: true } : {}),
        ...dialectSettings(table),
      };
    },
  };
}

function dialectSettings({ format, delimiter, quote }: Dialect): Pick<CorpusConfig, 'delimiter' | 'quote'> {
  return {
    ...(delimiter === DEFAULTS[format].delimiter ? {} : { delimiter }),
    ...(quote === DEFAULTS[format].quote ? {} : { quote }),
  };
}

function isUnique(name: string | undefined, columns: readonly Column[]): boolean {
  return name !== undefined && columns.filter((column) => column.name === name).length === 1;
}

/** The first table with two columns or more; a file of another name may be any. */
function recogniseTable(head: Head, named: TableFormat | undefined): Table {
  const formats: readonly TableFormat[] = named === undefined ? ['tsv', 'csv'] : [named];
  const tables = formats.flatMap((format) =>
    DELIMITERS[format].flatMap((delimiter) => readTable(head, { format, delimiter, quote: DEFAULTS[format].quote })),
  );
  return tables.find(({ width, rows }) => width >= 2 && isRegular(rows, width)) ?? { ...tables[0]!, width: 1 };
}

function isRegular(rows: readonly (readonly string[])[], width: number): boolean {
  return rows.filter((row) => row.length === width).length >= LEAST_REGULAR * rows.length;
}

/** Parses the rows; without quotes if the quotes of the text do not pair up. */
function readTable(head: Head, dialect: Dialect): Table {
  const rows: string[][] = [];
  try {
    parse(head.lines.join('\n'), {
      delimiter: dialect.delimiter,
      quote: dialect.quote === '' ? null : dialect.quote,
      escape: dialect.quote === '' ? null : dialect.quote,
      record_delimiter: '\n',
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: (row: string[]) => {
        rows.push(row);
        return null;
      },
    });
  } catch (error) {
    // The last row of the head may continue after it.
    const isCut =
      head.truncated && rows.length > 0 && error instanceof CsvError && error.code === 'CSV_QUOTE_NOT_CLOSED';
    if (dialect.quote === '') throw error;
    if (!isCut) return readTable(head, { ...dialect, quote: '' });
  }
  const texts = rows.filter((row) => row.some((cell) => cell.trim() !== ''));
  return { ...dialect, rows: texts, width: commonest(texts.map((row) => row.length)) };
}

function commonest(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 0;
}

/**
 * The first row, if it has the columns that the user names, or two of its cells name languages or sides and do not
 * recur in their columns.
 */
function headerOf({ rows }: Table, columns: readonly string[]): readonly string[] | undefined {
  const [first, ...others] = rows;
  const names = columns.filter((name) => !/^\d+$/.test(name));
  if (names.length > 0 && names.every((name) => first?.includes(name) === true)) return first;
  const known = (first ?? []).filter(
    (cell, index) => meaningOfName(cell) !== undefined && others.every((row) => row[index] !== cell),
  );
  return new Set(known).size >= 2 ? first : undefined;
}
