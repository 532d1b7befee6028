import type { CorpusConfig } from '../config/schema.js';
import { S2sError } from '../errors.js';
import { plural } from '../plural.js';
import { readLineBlocks } from '../text/lines.js';
import type { OddCharacters, Side } from './odd-characters.js';
import { sideFile, type Pair } from './pair.js';
import { counterOf, UnusableLines, type LinePolicy } from './unusable-lines.js';

/**
 * Reads pairs from a JSON Lines file. Each line is an object with the two texts under keys, which may be paths into
 * nested objects (`translation.de`), or an array with the two texts at indices (from 1). Blank lines are skipped.
 *
 * @throws S2sError `json-invalid`, `column-missing` or `text-expected`, with file and line
 */
export async function* readJsonLines(
  config: CorpusConfig,
  corpus: number,
  odd: OddCharacters,
  options: { readonly lines?: LinePolicy | undefined } = {},
): AsyncGenerator<Pair[]> {
  const file = sideFile(config, 'source');
  const keys = { source: config.sourceColumn ?? 'source', target: config.targetColumn ?? 'target' };
  const unusable = new UnusableLines(options.lines, (number, start) => {
    if (isArrayOfMany(start)) throw oneJsonArray(file, number);
  });
  const count = counterOf(odd, corpus, 'source');
  let isFirst = true;
  let line = 0;
  for await (const block of readLineBlocks(file, unusable.options)) {
    const pairs: Pair[] = [];
    for (const text of block) {
      line++;
      const reason = unusable.take(line, line, count);
      if (reason !== undefined) {
        pairs.push({ source: '', target: '', file, line, corpus, unusable: reason });
        continue;
      }
      const cleaned = odd.cleanLine(text, corpus, 'source', line);
      if (cleaned.trim() === '') {
        odd.count('blankRow', corpus, 'source', line);
        continue;
      }
      if (isFirst) {
        if (isArrayOfMany(cleaned)) throw oneJsonArray(file, line);
        if (isStartOfObject(cleaned)) throw oneJsonValue(file, line, 'this object has several lines', 'jq -c .');
        isFirst = false;
      }
      const value = parse(cleaned, file, line);
      const field = (side: Side) => odd.cleanField(textAt(value, keys[side], file, line), corpus, side, line);
      pairs.push({ source: field('source'), target: field('target'), file, line, corpus });
    }
    yield pairs;
  }
}

/** Whether a line begins a JSON array over several lines, or one of objects or arrays: not a pair of two texts. */
function isArrayOfMany(text: string): boolean {
  return /^\s*\[\s*([[{]|$)/.test(text);
}

function isStartOfObject(text: string): boolean {
  return /^\s*\{\s*$/.test(text);
}

function oneJsonArray(file: string, line: number): S2sError {
  return oneJsonValue(file, line, 'this is one JSON array', "jq -c '.[]'");
}

function oneJsonValue(file: string, line: number, found: string, command: string): S2sError {
  return new S2sError('json-invalid', `one JSON object a line is needed; ${found}`, {
    place: { file, line },
    hint: `Convert it: ${command} old.json > new.jsonl`,
  });
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
    throw new S2sError('json-invalid', `expected a JSON object or array, found ${kindOf(row)}`, {
      place: { file, line },
    });
  }
  const value = valueAt(row, key);
  if (value === undefined) {
    const found = Array.isArray(row)
      ? `it is an array of ${plural(row.length, 'entry', 'entries')}`
      : `its keys are ${Object.keys(row).join(', ') || 'none'}`;
    throw new S2sError('column-missing', `the line has no ${JSON.stringify(key)}; ${found}`, {
      place: { file, line },
      hint: 'Set `sourceColumn` and `targetColumn` of the corpus to the keys of the two texts.',
    });
  }
  if (typeof value !== 'string')
    throw new S2sError('text-expected', `${JSON.stringify(key)} must be a string, not ${kindOf(value)}`, {
      place: { file, line },
    });
  return value;
}

/** Looks up a key literally first, then as a dotted path. */
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
