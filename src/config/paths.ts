import { resolve } from 'node:path';

/** Keys that hold paths; `*` stands for any list index. */
const PATH_KEYS: readonly (readonly string[])[] = [
  ['runDirectory'],
  ...['train', 'dev', 'test'].flatMap((split) => ['source', 'target', 'file'].map((key) => ['data', split, '*', key])),
  ['data', 'cacheDirectory'],
  ['tokenizer', 'directory'],
];

/** A path that a configuration holds. */
interface HeldPath {
  readonly path: readonly PropertyKey[];
  readonly text: string;
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/**
 * Makes every path of a configuration absolute, in place. What is not as it should be stays as it is.
 *
 * @param folderOf the folder that the value at a path is relative to
 */
export function makePathsAbsolute(value: unknown, folderOf: (path: readonly PropertyKey[]) => string): void {
  for (const { path, text, holder, key } of heldPaths(value)) holder[key] = resolve(folderOf(path), text);
}

/** The data files that a configuration names, right or wrong otherwise, with the path of their keys. */
export function dataFiles(value: unknown): { path: readonly PropertyKey[]; file: string }[] {
  return heldPaths(value).flatMap(({ path, text }) =>
    path[0] === 'data' && path.length === 4 ? [{ path, file: text }] : [],
  );
}

function heldPaths(value: unknown): HeldPath[] {
  return PATH_KEYS.flatMap((pattern) => follow(value, pattern, []));
}

function follow(value: unknown, [key, ...rest]: readonly string[], path: readonly PropertyKey[]): HeldPath[] {
  if (key === undefined || typeof value !== 'object' || value === null) return [];
  if (key === '*')
    return Array.isArray(value) ? value.flatMap((item, index) => follow(item, rest, [...path, index])) : [];
  const holder = value as Record<string, unknown>;
  const held = holder[key];
  if (rest.length > 0) return follow(held, rest, [...path, key]);
  return typeof held === 'string' && held !== '' ? [{ path: [...path, key], text: held, holder, key }] : [];
}
