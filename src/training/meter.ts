import type { UpdateResult } from './update.js';

/** Means and rates over the updates since they were last reported. */
export interface MeterReading {
  readonly loss: number;
  readonly perplexity: number;
  readonly sourceTokensPerSecond: number;
  readonly targetTokensPerSecond: number;
  readonly paddingTokensPerSecond: number;
}

/** Adds up what updates saw. */
export class Meter {
  private updates = 0;
  private loss = 0;
  private negativeLogLikelihood = 0;
  private sourceTokens = 0;
  private targetTokens = 0;
  private paddingTokens = 0;
  private seconds = 0;

  /** @param seconds that the update took, batch and all */
  add(result: UpdateResult, seconds: number): void {
    this.updates++;
    this.loss += result.loss;
    this.negativeLogLikelihood += result.negativeLogLikelihood;
    this.sourceTokens += result.sourceTokens;
    this.targetTokens += result.targetTokens;
    this.paddingTokens += result.paddingTokens;
    this.seconds += seconds;
  }

  reading(): MeterReading {
    const seconds = Math.max(this.seconds, 1e-9);
    return {
      loss: this.loss / Math.max(1, this.updates),
      perplexity: Math.exp(this.negativeLogLikelihood / Math.max(1, this.targetTokens)),
      sourceTokensPerSecond: this.sourceTokens / seconds,
      targetTokensPerSecond: this.targetTokens / seconds,
      paddingTokensPerSecond: this.paddingTokens / seconds,
    };
  }

  reset(): void {
    this.updates = this.loss = this.negativeLogLikelihood = 0;
    this.sourceTokens = this.targetTokens = this.paddingTokens = this.seconds = 0;
  }
}
