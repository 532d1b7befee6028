import { readFileSync } from 'node:fs';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import { UsageError, type Place } from '../errors.js';
import { ConfigError } from './problems.js';

/** A configuration file as plain data, with the line of every key. */
export interface ConfigDocument {
  readonly file: string;
  readonly value: unknown;
  /** Where the value at a path stands: the line of its key, or of the nearest key above it. */
  locate(path: readonly PropertyKey[]): Place;
}

/**
 * Reads a YAML (1.2) or JSON file.
 *
 * @throws UsageError `config-unreadable`; ConfigError for each syntax error or duplicate key, with its line
 */
export function readConfigDocument(file: string): ConfigDocument {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new UsageError('config-unreadable', missing ? 'there is no such configuration file' : `cannot be read: ${(error as Error).message}`, { place: { file }, cause: error });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map(({ message, pos: [start] }) => ({ place: { file, line: lines.linePos(start).line }, message })));
  }
  return {
    file,
    value: document.toJS({ maxAliasCount: 100 }) as unknown,
    locate: (path) => {
      const offset = offsetOf(document, path);
      return { file, ...(offset === undefined ? {} : { line: lines.linePos(offset).line }) };
    },
  };
}

/** Offset in the text of the key (or list item) at a path, as far down as the path goes. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (pair === undefined) break;
      offset = isScalar(pair.key) ? pair.key.range?.[0] : offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      const item = node.items[part];
      if (item === undefined) break;
      offset = (item as { range?: [number, number, number] }).range?.[0] ?? offset;
      node = item;
    } else {
      break;
    }
  }
  return offset;
}
