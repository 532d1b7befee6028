import { Random } from '../../src/random.js';
import { COMPLEX } from './constructions/complex.js';
import { CONJUNCTIONS } from './constructions/conjunctions.js';
import { DESCRIPTIONS } from './constructions/descriptions.js';
import { EXISTENCE } from './constructions/existence.js';
import { PLACES_AND_NUMBERS } from './constructions/places-and-numbers.js';
import { PRONOUNS } from './constructions/pronouns.js';
import { QUESTIONS } from './constructions/questions.js';
import { STATEMENTS } from './constructions/statements.js';
import { VERB_PATTERNS } from './constructions/verb-patterns.js';
import { Sampler } from './sampler.js';
import type { Construction, Pair } from './sentence.js';

/** All constructions of the corpus. */
export const CONSTRUCTIONS: readonly Construction[] = [
  ...STATEMENTS,
  ...VERB_PATTERNS,
  ...DESCRIPTIONS,
  ...EXISTENCE,
  ...PRONOUNS,
  ...QUESTIONS,
  ...PLACES_AND_NUMBERS,
  ...COMPLEX,
  ...CONJUNCTIONS,
];

export interface Splits {
  readonly train: readonly Pair[];
  readonly dev: readonly Pair[];
  readonly test: readonly Pair[];
}

export const SIZES = { train: 24_000, dev: 1_000, test: 1_000 } as const;
export const SEED = 20_241;

/** Sentences with fewer or more source words are rejected. */
const MIN_WORDS = 3;
const MAX_WORDS = 20;
/** Maximum draws for one sentence before a construction counts as exhausted. */
const MAX_DRAWS = 200;

/**
 * Generates the corpus in random order: sentences of each construction in proportion to its weight, without duplicate
 * sources or targets. Deterministic for a seed.
 *
 * @throws Error if the grammar produces two translations of one English sentence
 */
export function generate(seed: number = SEED, sizes: Readonly<Record<keyof Splits, number>> = SIZES): Splits {
  const random = new Random(seed);
  const total = sizes.train + sizes.dev + sizes.test;
  const weights = CONSTRUCTIONS.reduce((sum, construction) => sum + construction.weight, 0);
  const targetOf = new Map<string, string>();
  const targets = new Set<string>();
  const pairs: Pair[] = [];
  const draw = (construction: Construction, sampler: Sampler): boolean => {
    for (let attempt = 0; attempt < MAX_DRAWS; attempt++) {
      const pair = construction.draw(sampler);
      const known = targetOf.get(pair.source);
      if (known !== undefined && known !== pair.target)
        throw new Error(`two translations of "${pair.source}": "${known}" and "${pair.target}"`);
      targetOf.set(pair.source, pair.target);
      const words = pair.source.split(' ').length;
      if (known !== undefined || targets.has(pair.target) || words < MIN_WORDS || words > MAX_WORDS) continue;
      targets.add(pair.target);
      pairs.push(pair);
      return true;
    }
    return false;
  };
  // The share of an exhausted construction is distributed to the others in further rounds.
  let open = CONSTRUCTIONS.map((construction) => ({
    construction,
    sampler: new Sampler(random.derive(construction.name)),
  }));
  while (pairs.length < total) {
    const missing = total - pairs.length;
    open = open.filter(({ construction, sampler }) => {
      const share = Math.ceil((missing * construction.weight) / weights);
      for (let i = 0; i < share; i++) {
        if (pairs.length === total) return true;
        if (!draw(construction, sampler)) return false;
      }
      return true;
    });
    if (open.length === 0) throw new Error(`the grammar is exhausted after ${pairs.length} sentences`);
  }
  random.shuffle(pairs);
  return {
    train: pairs.slice(0, sizes.train),
    dev: pairs.slice(sizes.train, sizes.train + sizes.dev),
    test: pairs.slice(sizes.train + sizes.dev),
  };
}
