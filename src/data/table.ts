import { CsvError, parse, type Info } from 'csv-parse';
import type { CorpusConfig } from '../config/schema.js';
import { S2sError } from '../errors.js';
import { readLineBlocks } from '../text/lines.js';
import type { OddCharacters, Side } from './odd-characters.js';
import { sideFile, type Pair } from './pair.js';

/** Longer rows are taken for an unclosed quote, before they fill the memory. */
const MAX_ROW_CHARACTERS = 1 << 20;

/**
 * Pairs of a TSV or CSV file, read by csv-parse: columns by name or number, any delimiter, quoted fields with line
 * breaks in them. Blank rows are skipped.
 *
 * @throws S2sError `column-missing`, `quote-unclosed` or `table-invalid`, at the line where the row starts
 */
export async function* readTable(
  config: CorpusConfig,
  format: 'tsv' | 'csv',
  corpus: number,
  odd: OddCharacters,
): AsyncGenerator<Pair[]> {
  const file = sideFile(config, 'source');
  const wanted = { source: config.sourceColumn ?? 1, target: config.targetColumn ?? 2 };
  const hasHeader = config.header ?? (typeof wanted.source === 'string' || typeof wanted.target === 'string');
  const quote = config.quote ?? (format === 'csv' ? '"' : '');
  let columns = hasHeader ? undefined : columnNumbers(wanted, undefined, file);
  let lastLine = 0;

  let pairs: Pair[] = [];

  const takeRow = (row: string[], { lines }: Pick<Info, 'lines'>): void => {
    const line = lastLine + 1;
    lastLine = lines;
    if (row.length === 1 && row[0]!.trim() === '') {
      odd.count('blankRow', corpus, 'source', line);
      return;
    }
    if (columns === undefined) {
      columns = columnNumbers(wanted, row, file);
      return;
    }
    const numbers = columns;
    const field = (side: Side) => odd.cleanField(fieldAt(row, numbers[side], file, line), corpus, side, line);
    pairs.push({ source: field('source'), target: field('target'), file, line, corpus });
  };

  const parser = parse({
    delimiter: config.delimiter ?? (format === 'csv' ? ',' : '\t'),
    quote: quote === '' ? null : quote,
    escape: quote === '' ? null : quote,
    record_delimiter: '\n',
    relax_column_count: true,
    max_record_size: MAX_ROW_CHARACTERS,
    // Rows are taken here and none is passed on: the stream would cost a promise for each.
    on_record: (row, info) => {
      takeRow(row, info);
      return null;
    },
  });
  const failed = new Promise<never>((_, reject) => parser.once('error', reject));
  failed.catch(() => undefined);
  try {
    for await (const text of textBlocks(file, corpus, odd)) {
      await Promise.race([failed, settled((done) => parser.write(text, done))]);
      yield pairs;
      pairs = [];
    }
    await Promise.race([failed, settled((done) => parser.resume().end(done))]);
  } catch (error) {
    throw error instanceof CsvError ? tableError(error, file, lastLine + 1, quote) : error;
  } finally {
    parser.destroy();
  }
  if (pairs.length > 0) yield pairs;
  if (columns === undefined)
    throw new S2sError('table-invalid', 'the file has no header row, nor any other', { place: { file, line: 1 } });
}

/** The end of something that calls back with an error or none. */
function settled(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) =>
    start((error) => (error === undefined || error === null ? resolve() : reject(error))),
  );
}

/** Valid text with LF ends, in pieces of whole lines. */
async function* textBlocks(file: string, corpus: number, odd: OddCharacters): AsyncGenerator<Buffer> {
  let line = 0;
  for await (const block of readLineBlocks(file)) {
    const cleaned = block.map((text) => {
      line++;
      if (!text.endsWith('\r')) return text;
      odd.count('crlf', corpus, 'source', line);
      return text.slice(0, -1);
    });
    if (cleaned.length > 0) yield Buffer.from(`${cleaned.join('\n')}\n`);
  }
}

/** Turns names into numbers (from 0) by the header row. */
function columnNumbers(
  wanted: Record<Side, string | number>,
  header: readonly string[] | undefined,
  file: string,
): Record<Side, number> {
  const numberOf = (column: string | number): number => {
    if (typeof column === 'number') return column - 1;
    const index = header?.indexOf(column) ?? -1;
    if (index >= 0) return index;
    const names =
      header === undefined
        ? '`header` is false, so its columns have numbers only'
        : `its columns are ${header.map((name) => JSON.stringify(name)).join(', ')}`;
    throw new S2sError('column-missing', `there is no column ${JSON.stringify(column)}; ${names}`, {
      place: { file, line: 1 },
      hint: 'Set `sourceColumn` and `targetColumn` of the corpus to names in the first row or to numbers from 1; check `delimiter`.',
    });
  };
  return { source: numberOf(wanted.source), target: numberOf(wanted.target) };
}

function fieldAt(row: readonly string[], index: number, file: string, line: number): string {
  const field = row[index];
  if (field !== undefined) return field;
  throw new S2sError(
    'column-missing',
    `there is no column ${index + 1}; the row has ${row.length === 1 ? 'one column' : `${row.length} columns`}`,
    {
      place: { file, line },
      hint: 'Check `delimiter` and `quote` of the corpus.',
    },
  );
}

function tableError(error: CsvError, file: string, line: number, quote: string): S2sError {
  const unclosed = quote !== '' && (error.code === 'CSV_QUOTE_NOT_CLOSED' || error.code === 'CSV_MAX_RECORD_SIZE');
  const message = unclosed
    ? `a quote (${quote}) opened in this row is never closed`
    : `the row cannot be read: ${error.message}`;
  return new S2sError(unclosed ? 'quote-unclosed' : 'table-invalid', message, {
    place: { file, line },
    hint: 'A quote inside a quoted field is written twice. If the file does not quote fields, set `quote: ""` for this corpus.',
    cause: error,
  });
}
