import type { Config, CorpusConfig } from './schema.js';

/** A split that `{ holdOut: N }` may draw from the training corpora. */
export type HeldOutSplit = 'dev' | 'test';
export const HELD_OUT_SPLITS = ['dev', 'test'] as const;

/** Number of pairs that a split draws from the training corpora; undefined if it has corpora of its own. */
export function holdOutOf(data: Config['data'], split: HeldOutSplit): number | undefined {
  const value = data[split];
  return Array.isArray(value) ? undefined : value.holdOut;
}

/** The corpora that the configuration lists for a split; none if its pairs are held out. */
export function listedCorpora(data: Config['data'], split: HeldOutSplit | 'train'): readonly CorpusConfig[] {
  const value = data[split];
  return Array.isArray(value) ? value : [];
}

/** Whether the configuration has pairs for a split. */
export function hasSplit(data: Config['data'], split: HeldOutSplit): boolean {
  return holdOutOf(data, split) !== undefined || listedCorpora(data, split).length > 0;
}
