import { resolve } from 'node:path';

/** Keys that hold paths; `*` stands for any list index. */
const PATH_KEYS: readonly (readonly string[])[] = [
  ['runDirectory'],
  ...['train', 'dev', 'test'].flatMap((split) => ['source', 'target', 'file'].map((key) => ['data', split, '*', key])),
  ['data', 'cacheDirectory'],
  ['tokenizer', 'directory'],
];

/**
 * Makes every path of a configuration absolute, in place.
 *
 * @param folderOf the folder that the value at a path is relative to
 */
export function makePathsAbsolute(value: unknown, folderOf: (path: readonly PropertyKey[]) => string): void {
  for (const pattern of PATH_KEYS) visit(value, pattern, [], folderOf);
}

function visit(value: unknown, pattern: readonly string[], path: readonly PropertyKey[], folderOf: (path: readonly PropertyKey[]) => string): void {
  const [key, ...rest] = pattern;
  if (key === undefined || typeof value !== 'object' || value === null) return;
  if (key === '*') {
    if (Array.isArray(value)) value.forEach((item, index) => visit(item, rest, [...path, index], folderOf));
    return;
  }
  const holder = value as Record<string, unknown>;
  const here = [...path, key];
  const held = holder[key];
  if (rest.length > 0) visit(held, rest, here, folderOf);
  else if (typeof held === 'string' && held !== '') holder[key] = resolve(folderOf(here), held);
}
