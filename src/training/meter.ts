import type { UpdateResult } from './update.js';

/** Sums over updates: plain numbers, so that a checkpoint can hold them. */
export interface MeterSums {
  readonly updates: number;
  readonly loss: number;
  readonly negativeLogLikelihood: number;
  readonly sourceTokens: number;
  readonly targetTokens: number;
  readonly paddingTokens: number;
  readonly seconds: number;
}

/** Means and rates over the updates since they were last reported. */
export interface MeterReading {
  readonly loss: number;
  readonly perplexity: number;
  readonly sourceTokensPerSecond: number;
  readonly targetTokensPerSecond: number;
  readonly paddingTokensPerSecond: number;
}

/** Before the first update. */
export const NO_UPDATES: MeterSums = {
  updates: 0,
  loss: 0,
  negativeLogLikelihood: 0,
  sourceTokens: 0,
  targetTokens: 0,
  paddingTokens: 0,
  seconds: 0,
};

/**
 * The sums with one more update.
 *
 * @param seconds that the update took, batch and all
 */
export function withUpdate(sums: MeterSums, result: UpdateResult, seconds: number): MeterSums {
  return {
    updates: sums.updates + 1,
    loss: sums.loss + result.loss,
    negativeLogLikelihood: sums.negativeLogLikelihood + result.negativeLogLikelihood,
    sourceTokens: sums.sourceTokens + result.sourceTokens,
    targetTokens: sums.targetTokens + result.targetTokens,
    paddingTokens: sums.paddingTokens + result.paddingTokens,
    seconds: sums.seconds + seconds,
  };
}

/** What the sums say. */
export function reading(sums: MeterSums): MeterReading {
  const seconds = Math.max(sums.seconds, 1e-9);
  return {
    loss: sums.loss / Math.max(1, sums.updates),
    perplexity: Math.exp(sums.negativeLogLikelihood / Math.max(1, sums.targetTokens)),
    sourceTokensPerSecond: sums.sourceTokens / seconds,
    targetTokensPerSecond: sums.targetTokens / seconds,
    paddingTokensPerSecond: sums.paddingTokens / seconds,
  };
}
