import { plural } from '../plural.js';

/** Rows of a table with another number of columns than most. */
export interface ShiftedRows {
  /** Index of the corpus in its split, from 0. */
  readonly corpus: number;
  /** Line of the first such row. */
  readonly line: number;
  /** Its number of columns. */
  readonly columns: number;
  /** The most frequent number of columns. */
  readonly usual: number;
  readonly rows: number;
  readonly delimiter: string;
  /** A delimiter with which the first rows have equally many columns. */
  readonly betterDelimiter?: string | undefined;
}

/** Rows with more columns than this are counted together, which bounds memory. */
const MAX_COLUMNS = 256;

/** Counts the columns of the rows of a table. */
export class ColumnCounts {
  private readonly counts = new Map<number, { rows: number; readonly line: number; readonly columns: number }>();
  private total = 0;

  add(columns: number, line: number): void {
    this.total++;
    const key = Math.min(columns, MAX_COLUMNS);
    const count = this.counts.get(key);
    if (count === undefined) this.counts.set(key, { rows: 1, line, columns });
    else count.rows++;
  }

  /** The rows that differ from the most frequent number of columns (of several, the smallest), if there are any. */
  get shifted(): Pick<ShiftedRows, 'line' | 'columns' | 'usual' | 'rows'> | undefined {
    if (this.counts.size < 2) return undefined;
    const [usual, ...others] = [...this.counts.values()].sort((a, b) => b.rows - a.rows || a.columns - b.columns);
    const first = others.reduce((earliest, count) => (count.line < earliest.line ? count : earliest));
    return { line: first.line, columns: first.columns, usual: usual!.columns, rows: this.total - usual!.rows };
  }
}

const DELIMITERS: readonly string[] = [';', ',', '\t', '|'];

/**
 * The delimiter with which all lines have the same number of columns, at least two, if the given one does not do that.
 *
 * @param lines the first lines of a table
 */
export function betterDelimiter(lines: readonly string[], delimiter: string, quote: string): string | undefined {
  const filled = lines.filter((line) => line.trim() !== '');
  const isRegular = (candidate: string): boolean => {
    const counts = new Set(filled.map((line) => countColumns(line, candidate, quote)));
    return counts.size === 1 && !counts.has(1);
  };
  return isRegular(delimiter) ? undefined : DELIMITERS.find(isRegular);
}

function countColumns(line: string, delimiter: string, quote: string): number {
  let columns = 1;
  let quoted = false;
  for (const character of line) {
    if (character === quote) quoted = !quoted;
    else if (character === delimiter && !quoted) columns++;
  }
  return columns;
}

/** `3 columns where most rows have 2: in 1 row, of which this is the first (a tab inside a sentence?)` */
export function describeShiftedRows(shifted: Omit<ShiftedRows, 'corpus' | 'line'>): string {
  const { columns, usual, rows, delimiter, betterDelimiter: better } = shifted;
  const place = `in ${plural(rows, 'row')}, of which this is the first`;
  const name = NAMES[delimiter] ?? `a ${delimiter}`;
  const cause = columns > usual ? `${name} inside a sentence?` : `${name} missing?`;
  const remedy = better === undefined ? cause : `delimiter: ${JSON.stringify(better)}?`;
  return `${plural(columns, 'column')} where most rows have ${usual}: ${place} (${remedy})`;
}

const NAMES: Readonly<Record<string, string>> = { '\t': 'a tab', ',': 'a comma', ';': 'a semicolon' };
