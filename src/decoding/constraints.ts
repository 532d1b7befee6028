import { UNK } from '../vocab/special.js';

/** A hypothesis that search is about to extend by one token. */
export interface PartialHypothesis {
  /** Index of its sentence in the batch given to search. */
  readonly sentence: number;
  /** Its tokens so far, without `<s>`. */
  readonly tokens: readonly number[];
}

/** What a hypothesis may continue with. */
export interface TokenConstraint {
  /** Tokens that are never chosen. */
  readonly forbidden?: Iterable<number> | undefined;
  /** If given, only these are chosen; one token is a forced token. */
  readonly allowed?: Iterable<number> | undefined;
  /** Added to the log-probability of tokens, and so to the score. */
  readonly bonus?: ReadonlyMap<number, number> | undefined;
}

/**
 * A stage of search between the model's log-probabilities and the choice of tokens: called for every hypothesis in every
 * step. Probabilities are not renormalised, so the score of a hypothesis stays that of the model, plus its bonuses.
 */
export type TokenProcessor = (hypothesis: PartialHypothesis) => TokenConstraint | undefined;

/**
 * Forbids every token that would repeat a sequence of `size` tokens of the hypothesis. Sequences with `<unk>` may repeat: two
 * `<unk>` can stand for different words.
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

/** Forbids tokens everywhere. */
export function forbiddenTokens(tokens: readonly number[]): TokenProcessor {
  const constraint = { forbidden: tokens };
  return () => constraint;
}
