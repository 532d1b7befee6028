import { CsvError, parse, type Info } from 'csv-parse';
import type { CorpusConfig } from '../config/schema.js';
import { S2sError } from '../errors.js';
import { plural } from '../plural.js';
import { readLineBlocks } from '../text/lines.js';
import { betterDelimiter, ColumnCounts } from './column-counts.js';
import type { ReadOptions } from './corpus.js';
import type { OddCharacters, Side } from './odd-characters.js';
import { sideFile, type Pair } from './pair.js';
import { counterOf, UnusableLines } from './unusable-lines.js';

/** A longer row of several lines is reported as an unclosed quote before it fills the memory. */
const MAX_ROW_CHARACTERS = 1 << 20;
/** The delimiter of a table is guessed from the start of this many of its first lines. */
const SAMPLE_LINES = 20;
const SAMPLE_CHARACTERS = 2000;

/**
 * Reads pairs from a TSV or CSV file with csv-parse. Columns are selected by name or number; quoted fields may contain
 * line breaks. Blank rows are skipped.
 *
 * @throws S2sError `column-missing`, `quote-unclosed` or `table-invalid`, at the line where the row starts
 */
export async function* readTable(
  config: CorpusConfig,
  format: 'tsv' | 'csv',
  corpus: number,
  odd: OddCharacters,
  { lines: policy, onShiftedRows }: ReadOptions = {},
): AsyncGenerator<Pair[]> {
  const file = sideFile(config, 'source');
  const wanted = { source: config.sourceColumn ?? 1, target: config.targetColumn ?? 2 };
  const hasHeader = config.header ?? (typeof wanted.source === 'string' || typeof wanted.target === 'string');
  const quote = config.quote ?? (format === 'csv' ? '"' : '');
  const delimiter = config.delimiter ?? (format === 'csv' ? ',' : '\t');
  const sample: string[] = [];
  const better = (): string | undefined => betterDelimiter(sample, delimiter, quote);
  const unusable = new UnusableLines(policy);
  const countUnusable = counterOf(odd, corpus, 'source');
  const counts = new ColumnCounts();
  let columns = hasHeader ? undefined : columnIndices(wanted, undefined, file);
  let lastLine = 0;

  let pairs: Pair[] = [];

  const takeRow = (row: string[], { lines }: Pick<Info, 'lines'>): void => {
    const line = lastLine + 1;
    lastLine = lines;
    const reason = unusable.take(line, lines, countUnusable);
    if (reason !== undefined) {
      pairs.push({ source: '', target: '', file, line, corpus, unusable: reason });
      return;
    }
    if (row.length === 1 && row[0]!.trim() === '') {
      odd.count('blankRow', corpus, 'source', line);
      return;
    }
    if (columns === undefined) {
      columns = columnIndices(wanted, row, file);
      return;
    }
    const indices = columns;
    counts.add(row.length, line);
    const field = (side: Side) => odd.cleanField(fieldAt(row, indices[side], file, line), corpus, side, line);
    pairs.push({ source: field('source'), target: field('target'), file, line, corpus });
  };

  const parser = parse({
    delimiter,
    quote: quote === '' ? null : quote,
    escape: quote === '' ? null : quote,
    record_delimiter: '\n',
    relax_column_count: true,
    max_record_size: MAX_ROW_CHARACTERS,
    // Rows are consumed here, since reading them from the stream costs a promise per row.
    on_record: (row, info) => {
      takeRow(row, info);
      return null;
    },
  });
  const failed = new Promise<never>((_, reject) => parser.once('error', reject));
  failed.catch(() => undefined);
  try {
    for await (const text of textBlocks(file, corpus, odd, unusable)) {
      if (sample.length < SAMPLE_LINES) sample.push(...firstLines(text, SAMPLE_LINES - sample.length));
      await Promise.race([failed, settled((done) => parser.write(text, done))]);
      yield pairs;
      pairs = [];
    }
    await Promise.race([failed, settled((done) => parser.resume().end(done))]);
  } catch (error) {
    throw withDelimiterHint(error instanceof CsvError ? tableError(error, file, lastLine + 1, quote) : error, better());
  } finally {
    parser.destroy();
  }
  if (pairs.length > 0) yield pairs;
  const { shifted } = counts;
  if (shifted !== undefined) onShiftedRows?.({ ...shifted, corpus, delimiter, betterDelimiter: better() });
  if (columns === undefined)
    throw new S2sError('table-invalid', 'the file is empty: the header row is missing', { place: { file, line: 1 } });
}

/** Promise of a Node-style callback. */
function settled(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) =>
    start((error) => (error === undefined || error === null ? resolve() : reject(error))),
  );
}

/** The text in blocks of whole lines, with LF line ends. */
async function* textBlocks(
  file: string,
  corpus: number,
  odd: OddCharacters,
  unusable: UnusableLines,
): AsyncGenerator<Buffer> {
  let line = 0;
  for await (const block of readLineBlocks(file, unusable.options)) {
    const cleaned = block.map((text) => {
      line++;
      if (!text.endsWith('\r')) return text;
      odd.count('crlf', corpus, 'source', line);
      return text.slice(0, -1);
    });
    if (cleaned.length > 0) yield Buffer.from(`${cleaned.join('\n')}\n`);
  }
}

function firstLines(text: Buffer, count: number): string[] {
  return text
    .toString('utf8', 0, SAMPLE_LINES * SAMPLE_CHARACTERS)
    .split('\n')
    .slice(0, -1)
    .slice(0, count)
    .map((line) => line.slice(0, SAMPLE_CHARACTERS));
}

/** An error that another delimiter would avoid names that delimiter. */
function withDelimiterHint(error: unknown, delimiter: string | undefined): unknown {
  if (delimiter === undefined || !(error instanceof S2sError)) return error;
  if (!['column-missing', 'quote-unclosed', 'table-invalid'].includes(error.code)) return error;
  const setting = `delimiter: ${JSON.stringify(delimiter)}`;
  return new S2sError(error.code, error.message, {
    place: error.place,
    hint: `The first rows have columns with another delimiter. Set it for this corpus: ${setting}`,
    cause: error.cause,
  });
}

/** Resolves column names to indices (from 0) using the header row. */
function columnIndices(
  wanted: Record<Side, string | number>,
  header: readonly string[] | undefined,
  file: string,
): Record<Side, number> {
  const indexOf = (column: string | number): number => {
    if (typeof column === 'number') return column - 1;
    const index = header?.indexOf(column) ?? -1;
    if (index >= 0) return index;
    const names =
      header === undefined
        ? 'columns have no names, since `header` is false'
        : `its columns are ${header.map((name) => JSON.stringify(name)).join(', ')}`;
    throw new S2sError('column-missing', `the file has no column ${JSON.stringify(column)}; ${names}`, {
      place: { file, line: 1 },
      hint:
        'Set `sourceColumn` and `targetColumn` of the corpus to names in the first row or to numbers from 1; ' +
        'check `delimiter`.',
    });
  };
  return { source: indexOf(wanted.source), target: indexOf(wanted.target) };
}

function fieldAt(row: readonly string[], index: number, file: string, line: number): string {
  const field = row[index];
  if (field !== undefined) return field;
  const columns = plural(row.length, 'column');
  throw new S2sError('column-missing', `the row has no column ${index + 1}; it has ${columns}`, {
    place: { file, line },
    hint: 'Check `delimiter` and `quote` of the corpus.',
  });
}

function tableError(error: CsvError, file: string, line: number, quote: string): S2sError {
  const unclosed = quote !== '' && (error.code === 'CSV_QUOTE_NOT_CLOSED' || error.code === 'CSV_MAX_RECORD_SIZE');
  const message = unclosed
    ? `a quote (${quote}) opened in this row is never closed`
    : `the row cannot be parsed: ${error.message}`;
  return new S2sError(unclosed ? 'quote-unclosed' : 'table-invalid', message, {
    place: { file, line },
    hint:
      'A quote inside a quoted field must be doubled. If the file does not quote fields, set `quote: ""` for this ' +
      'corpus.',
    cause: error,
  });
}
