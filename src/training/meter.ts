import type { UpdateResult } from './update.js';

/** Sums over updates, as plain numbers that are stored in checkpoints. */
export interface MeterSums {
  readonly updates: number;
  readonly loss: number;
  readonly negativeLogLikelihood: number;
  readonly sourceTokens: number;
  readonly targetTokens: number;
  readonly paddingTokens: number;
  readonly seconds: number;
}

/** Means and rates over the updates since the last report. */
export interface MeterAverages {
  readonly loss: number;
  readonly perplexity: number;
  readonly sourceTokensPerSecond: number;
  readonly targetTokensPerSecond: number;
  readonly paddingTokensPerSecond: number;
}

export const EMPTY_SUMS: MeterSums = {
  updates: 0,
  loss: 0,
  negativeLogLikelihood: 0,
  sourceTokens: 0,
  targetTokens: 0,
  paddingTokens: 0,
  seconds: 0,
};

/** @param seconds duration of the update, including the time spent waiting for its batches */
export function addUpdate(sums: MeterSums, result: UpdateResult, seconds: number): MeterSums {
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

export function averages(sums: MeterSums): MeterAverages {
  const seconds = Math.max(sums.seconds, 1e-9);
  return {
    loss: sums.loss / Math.max(1, sums.updates),
    perplexity: Math.exp(sums.negativeLogLikelihood / Math.max(1, sums.targetTokens)),
    sourceTokensPerSecond: sums.sourceTokens / seconds,
    targetTokensPerSecond: sums.targetTokens / seconds,
    paddingTokensPerSecond: sums.paddingTokens / seconds,
  };
}
