import { BOS, EOS, UNK } from '../vocab/special.js';

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

/** The best next tokens of a live hypothesis, best first. */
export interface TokenChoice {
  readonly tokens: Int32Array;
  readonly logProbabilities: Float32Array;
}

/** A live hypothesis prolonged by one token. */
interface Candidate {
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
  /** No sequence of so many tokens comes twice; 0, or when not given, it may. */
  readonly noRepeatNgramSize?: number;
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
  /** Tokens that may not follow. */
  readonly barred: ReadonlySet<number>;
}

const NONE: ReadonlySet<number> = new Set();

/**
 * Beam search over one sentence, given the best candidates of every step: the part of search that needs no tensors.
 *
 * A candidate that ends in `</s>` counts when it is among the `beamSize` best of its step; the best others live on.
 * The search ends when `beamSize` hypotheses have ended, when no live one can still come among the `nBest` best,
 * or at the longest length. With one beam that is greedy search.
 */
export class SentenceSearch {
  private lives: readonly Live[] = [{ chain: undefined, logProbability: 0, barred: NONE }];
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

  /** Tokens that may not follow a live hypothesis, because they would repeat a sequence of its tokens. */
  barred(live: number): ReadonlySet<number> {
    return this.lives[live]?.barred ?? NONE;
  }

  /** Last token of a live hypothesis; undefined before the first. */
  lastToken(live: number): number | undefined {
    return this.lives[live]?.chain?.token;
  }

  /**
   * Makes one step.
   *
   * @param choice of a live hypothesis: at least the best `beamSize + 1` tokens that may follow it (with one beam, the best
   *   one), or all that there are
   * @param attention weights of a live hypothesis in this step, `[srcTime]`
   * @returns for each hypothesis that is live now, the one that it prolongs
   */
  advance(choice: (live: number) => TokenChoice, attention: (live: number) => Float32Array | undefined): number[] {
    const { beamSize } = this.options;
    const next: Live[] = [];
    const parents: number[] = [];
    this.length++;
    for (const [rank, { parent, token, logProbability }] of this.candidates(choice).entries()) {
      const from = this.lives[parent]!;
      if (token === EOS) {
        if (rank < beamSize) this.ended.push({ chain: from.chain, logProbability, score: this.normalised(logProbability, this.length) });
      } else if (next.length < beamSize) {
        const chain = { token, previous: from.chain, attention: attention(parent) };
        next.push({ chain, logProbability, barred: repeating(chain, this.options.noRepeatNgramSize ?? 0) });
        parents.push(parent);
      }
    }
    if (next.length === 0 && this.ended.length === 0) {
      // Nothing may follow: the translation is what there is.
      this.length--;
      this.isDone = true;
      return [];
    }
    this.lives = next;
    this.isDone = this.hasEnded();
    return this.isDone ? [] : parents;
  }

  /** Of all live hypotheses together the best candidates, best first: `beamSize` that live on and at most as many that end. */
  private candidates(choice: (live: number) => TokenChoice): Candidate[] {
    const { beamSize } = this.options;
    const candidates: Candidate[] = [];
    for (const [parent, { logProbability: before, barred }] of this.lives.entries()) {
      const { tokens, logProbabilities } = choice(parent);
      for (const [index, token] of tokens.entries()) {
        // In float32, as devices would add them.
        const logProbability = Math.fround(before + logProbabilities[index]!);
        if (logProbability !== -Infinity && token !== BOS && !barred.has(token)) candidates.push({ parent, token, logProbability });
      }
    }
    if (this.lives.length > 1) candidates.sort((a, b) => b.logProbability - a.logProbability);
    return candidates.slice(0, 2 * beamSize);
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

/**
 * Tokens that would make the last `size` tokens of a hypothesis ones that it already has in this order. Two `<unk>` may stand for
 * different words: they count as different.
 */
function repeating(chain: Chain, size: number): ReadonlySet<number> {
  if (size === 0) return NONE;
  const tokens = tokensOf(chain);
  const start = tokens.length - (size - 1);
  const barred = new Set<number>();
  for (let i = 0; i < start; i++) {
    const sequence = tokens.slice(i, i + size);
    if (!sequence.includes(UNK) && sequence.slice(0, -1).every((token, offset) => token === tokens[start + offset])) barred.add(sequence.at(-1)!);
  }
  return barred;
}

function tokensOf(chain: Chain | undefined): number[] {
  const tokens: number[] = [];
  for (let link = chain; link !== undefined; link = link.previous) tokens.push(link.token);
  return tokens.reverse();
}

function hypothesis({ chain, logProbability, score }: { chain: Chain | undefined; logProbability: number; score: number }, finished: boolean): Hypothesis {
  const attention: Float32Array[] = [];
  for (let link = chain; link !== undefined; link = link.previous) {
    if (link.attention !== undefined) attention.push(link.attention);
  }
  attention.reverse();
  return { tokens: tokensOf(chain), score, logProbability, finished, ...(attention.length > 0 && { attention }) };
}
