import { EOS } from '../vocab/special.js';

/** A translation that search has found. */
export interface Hypothesis {
  /** Target ids without `</s>`. */
  readonly tokens: readonly number[];
  /** Summed log-probability divided by the length to the power of the length penalty. */
  readonly score: number;
  /** Summed log-probability of the tokens, `</s>` included where it was reached. */
  readonly logProbability: number;
  /** False when the longest length was reached before `</s>`. */
  readonly finished: boolean;
  /** For each token its weights `[srcTime]` over the source positions; only where asked for. */
  readonly attention?: readonly Float32Array[];
}

/** A live hypothesis prolonged by one token. */
export interface Candidate {
  /** Which of the live hypotheses. */
  readonly parent: number;
  readonly token: number;
  /** Summed log-probability with this token. */
  readonly logProbability: number;
}

export interface SentenceSearchOptions {
  readonly beamSize: number;
  readonly lengthPenalty: number;
  readonly nBest: number;
  /** Longest hypothesis in tokens, `</s>` included. */
  readonly maxLength: number;
}

/** A hypothesis as a chain from its last token back. */
interface Chain {
  readonly token: number;
  readonly previous: Chain | undefined;
  readonly attention: Float32Array | undefined;
}

interface Live {
  readonly chain: Chain | undefined;
  readonly logProbability: number;
}

/**
 * Beam search over one sentence, given the best candidates of every step: the part of search that needs no tensors.
 *
 * A candidate that ends in `</s>` counts when it is among the `beamSize` best of its step; the best others live on.
 * The search ends when `beamSize` hypotheses have ended, when no live one can still come among the `nBest` best,
 * or at the longest length. With one beam that is greedy search.
 */
export class SentenceSearch {
  private lives: readonly Live[] = [{ chain: undefined, logProbability: 0 }];
  private readonly ended: { chain: Chain | undefined; logProbability: number; score: number }[] = [];
  private length = 0;
  private isDone = false;

  constructor(private readonly options: SentenceSearchOptions) {}

  /** Whether the search has ended. */
  get done(): boolean {
    return this.isDone;
  }

  /** Number of live hypotheses, best first; 0 when done. */
  get width(): number {
    return this.isDone ? 0 : this.lives.length;
  }

  /** Summed log-probability of a live hypothesis. */
  logProbability(live: number): number {
    return this.lives[live]?.logProbability ?? -Infinity;
  }

  /** Last token of a live hypothesis; undefined before the first. */
  lastToken(live: number): number | undefined {
    return this.lives[live]?.chain?.token;
  }

  /**
   * Makes one step.
   *
   * @param candidates best first; at least the best `2 * beamSize`, or all that there are
   * @param attention weights of a live hypothesis in this step, `[srcTime]`
   * @returns for each hypothesis that is live now, the one that it prolongs
   */
  advance(candidates: Iterable<Candidate>, attention: (parent: number) => Float32Array | undefined): number[] {
    const { beamSize } = this.options;
    const next: Live[] = [];
    const parents: number[] = [];
    this.length++;
    let rank = 0;
    for (const { parent, token, logProbability } of candidates) {
      if (logProbability === -Infinity) break;
      const from = this.lives[parent]!;
      if (token === EOS) {
        if (rank < beamSize) this.ended.push({ chain: from.chain, logProbability, score: this.normalised(logProbability, this.length) });
      } else if (next.length < beamSize) {
        next.push({ chain: { token, previous: from.chain, attention: attention(parent) }, logProbability });
        parents.push(parent);
      }
      rank++;
    }
    this.lives = next;
    this.isDone = this.hasEnded();
    return this.isDone ? [] : parents;
  }

  /** The `nBest` best hypotheses, best first; unfinished ones only where too few have ended. */
  results(): Hypothesis[] {
    const { nBest } = this.options;
    const finished = this.ranked().slice(0, nBest).map((entry) => hypothesis(entry, true));
    const unfinished = this.lives
      .slice(0, nBest - finished.length)
      .map((live) => hypothesis({ ...live, score: this.normalised(live.logProbability, this.length) }, false));
    return [...finished, ...unfinished];
  }

  private hasEnded(): boolean {
    const { beamSize, nBest, maxLength } = this.options;
    const best = this.lives[0];
    if (best === undefined || this.length >= maxLength || this.ended.length >= beamSize) return true;
    const worstKept = this.ranked()[nBest - 1];
    // A log-probability only falls with more tokens, and is divided by the most at the longest length: no live
    // hypothesis can come to more than this.
    return worstKept !== undefined && worstKept.score >= this.normalised(best.logProbability, maxLength);
  }

  /** Ended hypotheses, best first; of equals the first found comes first. */
  private ranked(): readonly { chain: Chain | undefined; logProbability: number; score: number }[] {
    return this.ended.sort((a, b) => b.score - a.score);
  }

  private normalised(logProbability: number, length: number): number {
    return logProbability / length ** this.options.lengthPenalty;
  }
}

function hypothesis({ chain, logProbability, score }: { chain: Chain | undefined; logProbability: number; score: number }, finished: boolean): Hypothesis {
  const tokens: number[] = [];
  const attention: Float32Array[] = [];
  for (let link = chain; link !== undefined; link = link.previous) {
    tokens.push(link.token);
    if (link.attention !== undefined) attention.push(link.attention);
  }
  tokens.reverse();
  attention.reverse();
  return { tokens, score, logProbability, finished, ...(attention.length > 0 && { attention }) };
}
