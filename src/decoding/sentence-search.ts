import { EOS } from '../vocab/special.js';
import type { Candidate } from './candidates.js';

/** A translation found by search. */
export interface Hypothesis {
  /** Target ids without `</s>`. */
  readonly tokens: readonly number[];
  /** Summed log-probability divided by the length to the power of the length penalty. */
  readonly score: number;
  /** Summed log-probability of the tokens, including `</s>` if it was reached. */
  readonly logProbability: number;
  /** False when the maximum length was reached before `</s>`. */
  readonly finished: boolean;
  /** Weights `[srcTime]` of each token over the source positions, if requested. */
  readonly attention?: readonly Float32Array[];
}

export interface SentenceSearchOptions {
  readonly beamSize: number;
  readonly lengthPenalty: number;
  readonly nBest: number;
  /** Maximum length of a hypothesis in tokens, `</s>` included. */
  readonly maxLength: number;
  /** Whether bonuses may raise the log-probability of a hypothesis, so that its final score has no upper bound. */
  readonly hasBonuses: boolean;
}

/** The tokens of a hypothesis as a linked list from the last to the first. */
interface Chain {
  readonly token: number;
  readonly previous: Chain | undefined;
  readonly attention: Float32Array | undefined;
}

interface LiveHypothesis {
  readonly chain: Chain | undefined;
  readonly logProbability: number;
}

interface FinishedHypothesis extends LiveHypothesis {
  readonly score: number;
}

/**
 * Beam search over one sentence, given the best candidates of every step: the part of search without tensors.
 *
 * A candidate that ends in `</s>` is finished if it is among the `beamSize` best of its step; the best others stay
 * live. The search ends when `beamSize` hypotheses are finished, when no live hypothesis can still enter the `nBest`
 * best, or at the maximum length. A beam size of 1 is greedy search.
 */
export class SentenceSearch {
  private live: readonly LiveHypothesis[] = [{ chain: undefined, logProbability: 0 }];
  private readonly finished: FinishedHypothesis[] = [];
  private length = 0;
  private isDone = false;

  constructor(private readonly options: SentenceSearchOptions) {}

  /** Whether the search has ended. */
  get done(): boolean {
    return this.isDone;
  }

  /** Number of live hypotheses; 0 when done. */
  get width(): number {
    return this.isDone ? 0 : this.live.length;
  }

  /** Last token of a live hypothesis; undefined before the first. */
  lastToken(index: number): number | undefined {
    return this.live[index]?.chain?.token;
  }

  /** Tokens of a live hypothesis. */
  tokens(index: number): number[] {
    return tokensOf(this.live[index]?.chain);
  }

  /** Log-probability of a live hypothesis; -Infinity where there is none. */
  logProbability(index: number): number {
    return this.isDone ? -Infinity : (this.live[index]?.logProbability ?? -Infinity);
  }

  /**
   * Extends the live hypotheses by one token.
   *
   * @param candidates best first, over all live hypotheses: at least `2 * beamSize` (greedy search: 1), or all
   * @param attention weights of a live hypothesis in this step, `[srcTime]`
   * @returns for each new live hypothesis, the index of its parent
   */
  advance(candidates: readonly Candidate[], attention: (parent: number) => Float32Array | undefined): number[] {
    const { beamSize } = this.options;
    const next: LiveHypothesis[] = [];
    const parents: number[] = [];
    this.length++;
    for (const [rank, { parent, token, logProbability }] of candidates.entries()) {
      const from = this.live[parent]!;
      if (token === EOS) {
        if (rank < beamSize)
          this.finish({ chain: from.chain, logProbability, score: this.normalized(logProbability, this.length) });
      } else if (next.length < beamSize) {
        next.push({ chain: { token, previous: from.chain, attention: attention(parent) }, logProbability });
        parents.push(parent);
      }
    }
    if (next.length === 0 && this.finished.length === 0) {
      // Every continuation is forbidden or impossible: return the hypotheses so far as unfinished.
      this.length--;
      this.isDone = true;
      return [];
    }
    this.live = next;
    this.isDone = this.hasEnded();
    return this.isDone ? [] : parents;
  }

  /** The `nBest` best hypotheses, best first; unfinished ones only if too few are finished. */
  results(): Hypothesis[] {
    const { nBest } = this.options;
    const finished = this.finished.slice(0, nBest).map((found) => hypothesisOf(found, true));
    const unfinished = this.live
      .slice(0, nBest - finished.length)
      .map((found) => hypothesisOf({ ...found, score: this.normalized(found.logProbability, this.length) }, false));
    return [...finished, ...unfinished];
  }

  private hasEnded(): boolean {
    const { beamSize, nBest, maxLength, hasBonuses } = this.options;
    const best = this.live[0];
    if (best === undefined || this.length >= maxLength || this.finished.length >= beamSize) return true;
    if (hasBonuses) return false;
    const worstKept = this.finished[nBest - 1];
    // Log-probabilities only fall with more tokens, and the maximum length has the largest divisor: an upper bound.
    return worstKept !== undefined && worstKept.score >= this.normalized(best.logProbability, maxLength);
  }

  /** Inserts a finished hypothesis in order of falling score; ties are broken by the earlier one. */
  private finish(found: FinishedHypothesis): void {
    const place = this.finished.findLastIndex(({ score }) => score >= found.score) + 1;
    this.finished.splice(place, 0, found);
  }

  private normalized(logProbability: number, length: number): number {
    return logProbability / length ** this.options.lengthPenalty;
  }
}

function tokensOf(chain: Chain | undefined): number[] {
  const tokens: number[] = [];
  for (let link = chain; link !== undefined; link = link.previous) tokens.push(link.token);
  return tokens.reverse();
}

function hypothesisOf({ chain, logProbability, score }: FinishedHypothesis, finished: boolean): Hypothesis {
  const attention: Float32Array[] = [];
  for (let link = chain; link !== undefined; link = link.previous) {
    if (link.attention !== undefined) attention.push(link.attention);
  }
  attention.reverse();
  return { tokens: tokensOf(chain), score, logProbability, finished, ...(attention.length > 0 && { attention }) };
}
