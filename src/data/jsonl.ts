import type { CorpusConfig } from '../config/schema.js';
import { S2sError } from '../errors.js';
import { readLineBlocks } from '../text/lines.js';
import type { OddCharacters, Side } from './odd-characters.js';
import { sideFile, type Pair } from './pair.js';

/**
 * Pairs of a file with one JSON value a line: an object with the texts under two keys, dots leading into objects
 * within (`translation.de`), or an array with the texts at two numbers (from 1). Blank lines are skipped.
 *
 * @throws S2sError `json-invalid`, `column-missing` or `text-expected`, with file and line
 */
export async function* readJsonLines(config: CorpusConfig, corpus: number, odd: OddCharacters): AsyncGenerator<Pair[]> {
  const file = sideFile(config, 'source');
  const keys = { source: config.sourceColumn ?? 'source', target: config.targetColumn ?? 'target' };
  let line = 0;
  for await (const block of readLineBlocks(file)) {
    const pairs: Pair[] = [];
    for (const text of block) {
      line++;
      const cleaned = odd.cleanLine(text, corpus, 'source', line);
      if (cleaned.trim() === '') {
        odd.count('blankRow', corpus, 'source', line);
        continue;
      }
      const value = parse(cleaned, file, line);
      const field = (side: Side) => odd.cleanField(textAt(value, keys[side], file, line), corpus, side, line);
      pairs.push({ source: field('source'), target: field('target'), file, line, corpus });
    }
    yield pairs;
  }
}

function parse(text: string, file: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new S2sError('json-invalid', `the line is not valid JSON: ${(error as Error).message}`, {
      place: { file, line },
      cause: error,
    });
  }
}

function textAt(row: unknown, key: string | number, file: string, line: number): string {
  if (typeof row !== 'object' || row === null) {
    throw new S2sError('json-invalid', `a JSON object or array is needed, not ${kindOf(row)}`, {
      place: { file, line },
    });
  }
  const value = valueAt(row, key);
  if (value === undefined) {
    const there = Array.isArray(row)
      ? `the array has ${row.length} ${row.length === 1 ? 'entry' : 'entries'}`
      : `the keys are ${Object.keys(row).join(', ') || 'none'}`;
    throw new S2sError('column-missing', `there is no ${JSON.stringify(key)}; ${there}`, {
      place: { file, line },
      hint: 'Name the keys with `sourceColumn` and `targetColumn` of the corpus.',
    });
  }
  if (typeof value !== 'string')
    throw new S2sError('text-expected', `${JSON.stringify(key)} must be text, not ${kindOf(value)}`, {
      place: { file, line },
    });
  return value;
}

/** The value under a key as it is, else under a path of keys joined by dots. */
function valueAt(row: object, key: string | number): unknown {
  if (Array.isArray(row)) return typeof key === 'number' ? (row as unknown[])[key - 1] : undefined;
  const own = (value: unknown, name: string): unknown =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, name)
      ? (value as Record<string, unknown>)[name]
      : undefined;
  const direct = own(row, String(key));
  return direct === undefined && typeof key === 'string' ? key.split('.').reduce<unknown>(own, row) : direct;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
