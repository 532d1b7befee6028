import type { Config, CorpusConfig } from './schema.js';

/** The settings that name text, whether or not other settings are still `auto`. */
export type TextSettings = Pick<Config['data'], 'train' | 'dev' | 'test' | 'invalidUtf8' | 'cacheDirectory'>;
/** What reading the text of a configuration depends on. */
export type TextConfig = Pick<Config, 'runDirectory' | 'seed'> & { readonly data: TextSettings };

/** A split that `{ holdOut: N }` may draw from the training corpora. */
export type HeldOutSplit = 'dev' | 'test';
export const HELD_OUT_SPLITS = ['dev', 'test'] as const;

/** Number of pairs that a split draws from the training corpora; undefined if it has corpora of its own. */
export function holdOutOf(data: TextSettings, split: HeldOutSplit): number | undefined {
  const value = data[split];
  return Array.isArray(value) ? undefined : value.holdOut;
}

/** The corpora that the configuration lists for a split; none if its pairs are held out. */
export function listedCorpora(data: TextSettings, split: HeldOutSplit | 'train'): readonly CorpusConfig[] {
  const value = data[split];
  return Array.isArray(value) ? value : [];
}

/** Whether the configuration has pairs for a split. */
export function hasSplit(data: TextSettings, split: HeldOutSplit): boolean {
  return holdOutOf(data, split) !== undefined || listedCorpora(data, split).length > 0;
}
