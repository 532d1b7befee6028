import { resolveConfig, type Resolved } from '../../src/auto/resolve.js';
import { configFileSchema, type ConfigInput } from '../../src/config/file-schema.js';
import type { CorpusFacts, SideFacts } from '../../src/data/facts.js';

export const DATA = { train: [{ file: '/a.tsv' }], dev: [{ file: '/b.tsv' }] };

function side(facts: Partial<SideFacts>): SideFacts {
  const { words = 0 } = facts;
  const distinctWords = Math.round(10 * words ** 0.6);
  return {
    words,
    distinctWords,
    characters: 0,
    unspaced: 0,
    longWords: 24,
    longCharacters: 120,
    alphabet: 70,
    ...facts,
  };
}

export function corpus(
  pairs: number,
  source: Partial<SideFacts>,
  target: Partial<SideFacts>,
  alphabet = 80,
): CorpusFacts {
  return { pairs, epochPairs: pairs, source: side(source), target: side(target), alphabet };
}

/** As counted in the corpora of docs/auto.md, in generated text of three million pairs, and in a Latin-Chinese text. */
export const PHRASES = corpus(17_066, { words: 105_000, characters: 430_000 }, { words: 113_000, characters: 470_000 });
export const CAPTIONS = corpus(
  29_000,
  { words: 322_000, characters: 1_753_000 },
  { words: 345_000, characters: 1_456_000 },
);
export const MILLIONS = corpus(
  3_000_000,
  { words: 75_000_000, characters: 375_000_000, longWords: 90, longCharacters: 500 },
  { words: 78_000_000, characters: 400_000_000, longWords: 95, longCharacters: 520 },
  400,
);
export const CHINESE = corpus(
  19_680,
  { words: 106_804, characters: 552_591, alphabet: 110 },
  { words: 27_462, characters: 222_743, unspaced: 167_229, longWords: 7, longCharacters: 76, alphabet: 1689 },
  1643,
);

/** Resolves a configuration for a corpus. */
export function resolve(
  facts: CorpusFacts,
  given: Omit<ConfigInput, 'data'> = {},
  device: 'cpu' | 'gpu' = 'cpu',
): Resolved {
  return resolveConfig(configFileSchema.parse({ data: DATA, ...given }), facts, device);
}
