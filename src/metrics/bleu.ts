import { corpusScore, sentenceScore, type Metric } from './metric.js';
import { formatFixed, formatScore, formatSignature } from './signature.js';
import { tokenizeForBleu, type BleuTokenizer } from './tokenizers.js';
import { trimEnd } from './words.js';

/**
 * What to count for an n-gram order without a match (Chen and Cherry, "A Systematic Comparison of Smoothing Techniques
 * for Sentence-Level BLEU", WMT 2014): nothing; a small number of matches (method 1); one more match and one more
 * n-gram in every order above 1 (method 2); a half, a quarter, ... of a match (method 3, NIST's).
 */
export const BLEU_SMOOTHINGS = ['none', 'floor', 'add-k', 'exp'] as const;
export type BleuSmoothing = (typeof BLEU_SMOOTHINGS)[number];

/** The value of the smoothings that take one, where none is given. */
const SMOOTHING_VALUES: Readonly<Partial<Record<BleuSmoothing, number>>> = { floor: 0.1, 'add-k': 1 };

export interface BleuOptions {
  /** Default: `13a`. */
  readonly tokenizer?: BleuTokenizer;
  /** Whether case does not matter; default: false. */
  readonly lowercase?: boolean;
  /** Default: `exp`. */
  readonly smoothing?: BleuSmoothing;
  /** Matches that `floor` counts, 0.1 by default, or k of `add-k`, 1 by default. */
  readonly smoothingValue?: number;
  /** Longest n-grams; default: 4. */
  readonly maxOrder?: number;
  /** Whether to leave out the orders for which a short hypothesis has no n-grams; default: for single sentences. */
  readonly effectiveOrder?: boolean;
}

/** BLEU and what it is made of. Lists have an entry for each n-gram order, from 1. */
export class BleuScore {
  readonly name = 'BLEU';

  constructor(
    /** 0 to 100. */
    readonly score: number,
    /** Clipped matches; `add-k` is added in, as in `totals`. */
    readonly counts: readonly number[],
    /** n-grams of the hypotheses. */
    readonly totals: readonly number[],
    /** Per cent, smoothed. */
    readonly precisions: readonly number[],
    readonly brevityPenalty: number,
    /** Words of the hypotheses. */
    readonly hypothesisLength: number,
    /** Words of the references closest in length. */
    readonly referenceLength: number,
    readonly signature: string,
  ) {}

  /** The line that sacreBLEU prints: `BLEU = 37.21 68.1/44.2/30.8/21.9 (BP = ...`. */
  format(width = 2, signature?: string): string {
    return formatScore(this.name, this.score, { width, signature, details: this.details() });
  }

  /** Precisions, brevity penalty and lengths, as sacreBLEU prints them after the score. */
  details(): string {
    const ratio = this.referenceLength === 0 ? 0 : this.hypothesisLength / this.referenceLength;
    const precisions = this.precisions.map((precision) => formatFixed(precision, 1)).join('/');
    return `${precisions} (BP = ${formatFixed(this.brevityPenalty, 3)} ratio = ${formatFixed(ratio, 3)} hyp_len = ${this.hypothesisLength} ref_len = ${this.referenceLength})`;
  }
}

/**
 * BLEU of a corpus (Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL 2002), equal
 * to sacreBLEU 2.6.
 *
 * @param references sets of references, each as long as the hypotheses
 * @throws S2sError `line-counts-differ`, `no-references` or `nothing-to-score`
 */
export function corpusBleu(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: BleuOptions = {},
): BleuScore {
  return corpusScore(bleuMetric(options), hypotheses, references);
}

/** BLEU of one sentence, given its references; of the effective order unless the options say otherwise. */
export function sentenceBleu(hypothesis: string, references: readonly string[], options: BleuOptions = {}): BleuScore {
  return sentenceScore(bleuMetric({ effectiveOrder: true, ...options }), hypothesis, references);
}

/** Statistics of a segment: words of the hypothesis and of the closest reference, then matches, then n-grams by order. */
export function bleuMetric(options: BleuOptions = {}): Metric<BleuScore> {
  const { tokenizer = '13a', lowercase = false, smoothing = 'exp', maxOrder = 4, effectiveOrder = false } = options;
  const smoothingDefault = SMOOTHING_VALUES[smoothing];
  const smoothingValue = options.smoothingValue ?? smoothingDefault ?? 0;
  const words = (text: string): string[] => tokenizeForBleu(trimEnd(lowercase ? text.toLowerCase() : text), tokenizer);
  const fields = {
    case: lowercase ? 'lc' : 'mixed',
    eff: effectiveOrder,
    tok: tokenizer,
    smooth: smoothingDefault === undefined ? smoothing : `${smoothing}[${formatFixed(smoothingValue, 2)}]`,
  };

  return {
    segmentStatistics(hypothesis, references) {
      const hypothesisWords = words(hypothesis);
      const referenceWords = references.map(words);
      const matches: number[] = [];
      const totals: number[] = [];
      for (let order = 1; order <= maxOrder; order++) {
        totals.push(Math.max(0, hypothesisWords.length - order + 1));
        matches.push(clippedMatches(hypothesisWords, referenceWords, order));
      }
      return [hypothesisWords.length, closestLength(hypothesisWords.length, referenceWords), ...matches, ...totals];
    },

    score(sums, referenceCount) {
      const [hypothesisLength = 0, referenceLength = 0] = sums;
      const counts = sums.slice(2, 2 + maxOrder);
      const totals = sums.slice(2 + maxOrder);
      const brevityPenalty = penalty(hypothesisLength, referenceLength);
      const { mean, precisions } = smoothedPrecisions(counts, totals, { smoothing, smoothingValue, effectiveOrder });
      const signature = formatSignature(referenceCount, fields);
      return new BleuScore(
        brevityPenalty * mean,
        counts,
        totals,
        precisions,
        brevityPenalty,
        hypothesisLength,
        referenceLength,
        signature,
      );
    },
  };
}

/** n-grams of the hypothesis that are in a reference, each as often at most as in the reference that has it most. */
function clippedMatches(
  hypothesis: readonly string[],
  references: readonly (readonly string[])[],
  order: number,
): number {
  const left = countNgrams(references[0] ?? [], order);
  for (const reference of references.slice(1)) {
    for (const [ngram, count] of countNgrams(reference, order)) left.set(ngram, Math.max(count, left.get(ngram) ?? 0));
  }
  let matches = 0;
  for (let start = 0; start + order <= hypothesis.length; start++) {
    const ngram = ngramAt(hypothesis, start, order);
    const count = left.get(ngram) ?? 0;
    if (count === 0) continue;
    left.set(ngram, count - 1);
    matches++;
  }
  return matches;
}

function countNgrams(words: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let start = 0; start + order <= words.length; start++) {
    const ngram = ngramAt(words, start, order);
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** Words hold no space, so that the string tells them apart. */
function ngramAt(words: readonly string[], start: number, order: number): string {
  let ngram = words[start] ?? '';
  for (let i = 1; i < order; i++) ngram += ` ${words[start + i]}`;
  return ngram;
}

/** The length of the reference closest to the hypothesis, the shorter one of two as close. */
function closestLength(length: number, references: readonly (readonly string[])[]): number {
  const byDistance = (a: number, b: number): number => Math.abs(a - length) - Math.abs(b - length) || a - b;
  return references.map((words) => words.length).sort(byDistance)[0] ?? 0;
}

function penalty(hypothesisLength: number, referenceLength: number): number {
  if (hypothesisLength >= referenceLength) return 1;
  return hypothesisLength === 0 ? 0 : Math.exp(1 - referenceLength / hypothesisLength);
}

/** Precisions of all orders in per cent, and their geometric mean. Smoothing by `add-k` changes the counts. */
function smoothedPrecisions(
  counts: number[],
  totals: number[],
  {
    smoothing,
    smoothingValue,
    effectiveOrder,
  }: { smoothing: BleuSmoothing; smoothingValue: number; effectiveOrder: boolean },
): { mean: number; precisions: number[] } {
  const precisions = counts.map(() => 0);
  // Without any match smoothing is not to make up a score.
  if (counts.every((count) => count === 0)) return { mean: 0, precisions };
  let orders = counts.length;
  let share = 1;
  for (let i = 0; i < counts.length; i++) {
    if (smoothing === 'add-k' && i > 0) {
      counts[i]! += smoothingValue;
      totals[i]! += smoothingValue;
    }
    const count = counts[i]!;
    const total = totals[i]!;
    if (total === 0) break;
    if (effectiveOrder) orders = i + 1;
    if (count > 0) precisions[i] = (100 * count) / total;
    else if (smoothing === 'exp') precisions[i] = 100 / ((share *= 2) * total);
    else if (smoothing === 'floor') precisions[i] = (100 * smoothingValue) / total;
  }
  const sum = precisions.slice(0, orders).reduce((total, precision) => total + Math.log(precision), 0);
  return { mean: Math.exp(sum / orders), precisions };
}
