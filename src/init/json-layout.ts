import { S2sError } from '../errors.js';
import type { Head } from './head.js';
import type { Layout } from './layout.js';

/** Depth to which nested objects are searched for text. */
const MAX_DEPTH = 3;
/** Fraction of the rows in which a column must have text. */
const LEAST_PRESENT = 0.9;

/** Whether the first line is a JSON object or array. */
export function looksLikeJson({ lines }: Head): boolean {
  const first = lines.find((line) => line.trim() !== '') ?? '';
  return /^\s*[{[]/.test(first) && parse(first) !== undefined;
}

/**
 * The columns of a JSON Lines file: the keys of strings in objects, dotted for nested ones, or the entries of arrays.
 *
 * @param named whether the name of the file says that it is JSON Lines
 * @throws S2sError `json-invalid` for a file that is one JSON document
 */
export function jsonLayout(file: string, { lines }: Head, named: boolean): Layout {
  const rows = lines.flatMap((line) => (line.trim() === '' ? [] : [parse(line)]));
  const first = rows[0];
  if (first === undefined || (Array.isArray(first) && typeof first[0] === 'object')) {
    throw new S2sError('json-invalid', 'the first line is not a JSON object with both texts', {
      place: { file, line: 1 },
      hint: "JSON Lines has one object per line. Convert a JSON array with: jq -c '.[]' old.json > new.jsonl",
      exitCode: 2,
    });
  }
  const texts = rows.map((row) => new Map(textsIn(row, '', 1)));
  const columns = [...new Set(texts.flatMap((row) => [...row.keys()]))]
    .filter((name) => texts.filter((row) => row.has(name)).length >= LEAST_PRESENT * rows.length)
    .map((name) => ({ name, cells: texts.map((row) => row.get(name) ?? '') }));
  const keyOf = (index: number): string | number =>
    Array.isArray(first) ? Number(columns[index]!.name) : columns[index]!.name;
  return {
    format: 'jsonl',
    columns,
    corpusOf: ({ source, target }) => ({
      file,
      ...(named ? {} : { format: 'jsonl' as const }),
      sourceColumn: keyOf(source),
      targetColumn: keyOf(target),
    }),
  };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

function textsIn(value: unknown, prefix: string, depth: number): [string, string][] {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return [];
  return Object.entries(value).flatMap(([key, entry]): [string, string][] => {
    const path = `${prefix}${Array.isArray(value) ? Number(key) + 1 : key}`;
    if (typeof entry === 'string') return [[path, entry]];
    // An array inside an object has no key that a configuration can name.
    return Array.isArray(entry) || Array.isArray(value) ? [] : textsIn(entry, `${path}.`, depth + 1);
  });
}
