import { resolve } from 'node:path';
import type { CorpusConfig } from './schema.js';

/** Keys of paths; `*` matches any list index. */
const PATH_KEYS: readonly (readonly string[])[] = [
  ['runDirectory'],
  ...['train', 'dev', 'test'].flatMap((split) => ['source', 'target', 'file'].map((key) => ['data', split, '*', key])),
  ['data', 'cacheDirectory'],
  ['tokenizer', 'directory'],
];

/** A file path in a configuration, and the object that holds it. */
interface PathSetting {
  readonly path: readonly PropertyKey[];
  readonly text: string;
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/**
 * Makes all paths of a configuration absolute, in place. Invalid values are left unchanged.
 *
 * @param baseOf returns the directory to which the value at a path is relative
 */
export function makePathsAbsolute(value: unknown, baseOf: (path: readonly PropertyKey[]) => string): void {
  for (const { path, text, holder, key } of pathSettings(value)) holder[key] = resolve(baseOf(path), text);
}

/** The paths of a configuration that begin with `~`, which only a shell replaces by the home directory. */
export function tildePaths(value: unknown): { path: readonly PropertyKey[]; text: string }[] {
  return pathSettings(value).filter(({ text }) => /^~[^/]*(\/|$)/.test(text));
}

/** The data files of a configuration, valid or not, with their keys. */
export function dataFiles(value: unknown): { path: readonly PropertyKey[]; file: string }[] {
  return pathSettings(value).flatMap(({ path, text }) =>
    path[0] === 'data' && path.length === 4 ? [{ path, file: text }] : [],
  );
}

/** The corpus format of a file extension, ignoring `.gz`; undefined if the extension is unknown. */
export function formatOfName(file: string): CorpusConfig['format'] {
  const extension = /\.([a-z]+)(\.gz)?$/i.exec(file)?.[1]?.toLowerCase();
  if (extension === 'tsv' || extension === 'csv' || extension === 'jsonl') return extension;
  if (extension === 'ndjson') return 'jsonl';
  return extension === 'tab' ? 'tsv' : undefined;
}

function pathSettings(value: unknown): PathSetting[] {
  return PATH_KEYS.flatMap((pattern) => follow(value, pattern, []));
}

function follow(value: unknown, [key, ...rest]: readonly string[], path: readonly PropertyKey[]): PathSetting[] {
  if (key === undefined || typeof value !== 'object' || value === null) return [];
  if (key === '*')
    return Array.isArray(value) ? value.flatMap((item, index) => follow(item, rest, [...path, index])) : [];
  const holder = value as Record<string, unknown>;
  const text = holder[key];
  if (rest.length > 0) return follow(text, rest, [...path, key]);
  return typeof text === 'string' && text !== '' ? [{ path: [...path, key], text, holder, key }] : [];
}
