import { UNK } from '../vocab/special.js';

/** A hypothesis that search is about to extend by one token. */
export interface PartialHypothesis {
  /** Index of its sentence in the batch given to search. */
  readonly sentence: number;
  /** Its tokens so far, without `<s>`. */
  readonly tokens: readonly number[];
}

/** Restricts the next token of a hypothesis. */
export interface TokenConstraint {
  /** Tokens that are never chosen. */
  readonly forbidden?: Iterable<number> | undefined;
  /** If given, only these are chosen; a single token is forced. */
  readonly allowed?: Iterable<number> | undefined;
  /** Added to the log-probability of tokens, and so to the score. */
  readonly bonus?: ReadonlyMap<number, number> | undefined;
}

/**
 * Constrains the choice of tokens, like a logits processor: called for every hypothesis in every step. Probabilities
 * are not renormalised, so the score of a hypothesis is that of the model plus its bonuses.
 */
export type TokenProcessor = (hypothesis: PartialHypothesis) => TokenConstraint | undefined;

/**
 * Forbids every token that would repeat an n-gram of `size` tokens in the hypothesis. N-grams with `<unk>` may repeat,
 * because two `<unk>` can be different words.
 */
export function noRepeatedNgrams(size: number): TokenProcessor {
  return ({ tokens }) => {
    const start = tokens.length - (size - 1);
    const forbidden = new Set<number>();
    for (let i = 0; i < start; i++) {
      const sequence = tokens.slice(i, i + size);
      const isRepeated = sequence.slice(0, -1).every((token, offset) => token === tokens[start + offset]);
      if (isRepeated && !sequence.includes(UNK)) forbidden.add(sequence.at(-1)!);
    }
    return forbidden.size === 0 ? undefined : { forbidden };
  };
}

/** Forbids the given tokens at every position. */
export function forbiddenTokens(tokens: readonly number[]): TokenProcessor {
  const constraint = { forbidden: tokens };
  return () => constraint;
}
