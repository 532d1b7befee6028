import { corpusScore, sentenceScore, type Metric } from './metric.js';
import { formatFixed, formatScore, formatSignature } from './signature.js';
import { tokenizeForBleu, type BleuTokenizer } from './tokenizers.js';
import { trimEnd } from './words.js';

/**
 * Smoothing of n-gram orders without a match (Chen and Cherry, "A Systematic Comparison of Smoothing Techniques for
 * Sentence-Level BLEU", WMT 2014): none; a small constant match count (method 1); k added to matches and totals of
 * every order above 1 (method 2); match counts of 1/2, 1/4, ... (method 3, as in NIST's mteval).
 */
export const BLEU_SMOOTHINGS = ['none', 'floor', 'add-k', 'exp'] as const;
export type BleuSmoothing = (typeof BLEU_SMOOTHINGS)[number];

/** Default values of the smoothing methods that have a parameter. */
const SMOOTHING_VALUES: Readonly<Partial<Record<BleuSmoothing, number>>> = { floor: 0.1, 'add-k': 1 };

export interface BleuOptions {
  /** Default: `13a`. */
  readonly tokenizer?: BleuTokenizer;
  /** Case-insensitive scoring; default: false. */
  readonly lowercase?: boolean;
  /** Default: `exp`. */
  readonly smoothing?: BleuSmoothing;
  /** Match count of `floor` (default: 0.1) or k of `add-k` (default: 1). */
  readonly smoothingValue?: number;
  /** Maximum n-gram order; default: 4. */
  readonly maxOrder?: number;
  /** Ignore orders for which a short hypothesis has no n-grams; default: only in `sentenceBleu`. */
  readonly effectiveOrder?: boolean;
}

/** BLEU and its components. Arrays have an entry for each n-gram order, from 1. */
export class BleuScore {
  readonly name = 'BLEU';

  constructor(
    /** 0 to 100. */
    readonly score: number,
    /** Clipped matches; with `add-k`, k is added to these and `totals`. */
    readonly counts: readonly number[],
    /** Number of n-grams of the hypotheses. */
    readonly totals: readonly number[],
    /** Smoothed, in per cent. */
    readonly precisions: readonly number[],
    readonly brevityPenalty: number,
    /** Number of words of the hypotheses. */
    readonly hypothesisLength: number,
    /** Number of words of the references closest in length. */
    readonly referenceLength: number,
    readonly signature: string,
  ) {}

  /** The score as printed by sacreBLEU: `BLEU = 37.21 68.1/44.2/30.8/21.9 (BP = ...`. */
  format(width = 2, signature?: string): string {
    return formatScore(this.name, this.score, { width, signature, details: this.details() });
  }

  /** Precisions, brevity penalty and lengths, as printed by sacreBLEU after the score. */
  details(): string {
    const ratio = this.referenceLength === 0 ? 0 : this.hypothesisLength / this.referenceLength;
    const precisions = this.precisions.map((precision) => formatFixed(precision, 1)).join('/');
    const penalty = `BP = ${formatFixed(this.brevityPenalty, 3)} ratio = ${formatFixed(ratio, 3)}`;
    return `${precisions} (${penalty} hyp_len = ${this.hypothesisLength} ref_len = ${this.referenceLength})`;
  }
}

/**
 * Corpus BLEU (Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL 2002), identical
 * to sacreBLEU 2.6.
 *
 * @param references reference sets: [sets, hypotheses]
 * @throws S2sError `line-counts-differ`, `no-references` or `nothing-to-score`
 */
export function corpusBleu(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: BleuOptions = {},
): BleuScore {
  return corpusScore(bleuMetric(options), hypotheses, references);
}

/** Sentence BLEU, with `effectiveOrder` by default. */
export function sentenceBleu(hypothesis: string, references: readonly string[], options: BleuOptions = {}): BleuScore {
  return sentenceScore(bleuMetric({ effectiveOrder: true, ...options }), hypothesis, references);
}

/**
 * BLEU as a `Metric`. Statistics of a segment: hypothesis length, closest reference length, then matches and totals for
 * each order.
 */
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

/** Clipped matches: each n-gram counts at most as often as in the reference that has most of it. */
function clippedMatches(
  hypothesis: readonly string[],
  references: readonly (readonly string[])[],
  order: number,
): number {
  const remaining = countNgrams(references[0] ?? [], order);
  for (const reference of references.slice(1)) {
    for (const [ngram, count] of countNgrams(reference, order))
      remaining.set(ngram, Math.max(count, remaining.get(ngram) ?? 0));
  }
  let matches = 0;
  for (let start = 0; start + order <= hypothesis.length; start++) {
    const ngram = ngramAt(hypothesis, start, order);
    const count = remaining.get(ngram) ?? 0;
    if (count === 0) continue;
    remaining.set(ngram, count - 1);
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

/** Words contain no spaces, so the string is unique. */
function ngramAt(words: readonly string[], start: number, order: number): string {
  let ngram = words[start] ?? '';
  for (let i = 1; i < order; i++) ngram += ` ${words[start + i]}`;
  return ngram;
}

/** The reference length closest to the hypothesis length; the shorter in case of a tie. */
function closestLength(length: number, references: readonly (readonly string[])[]): number {
  const byDistance = (a: number, b: number): number => Math.abs(a - length) - Math.abs(b - length) || a - b;
  return references.map((words) => words.length).sort(byDistance)[0] ?? 0;
}

function penalty(hypothesisLength: number, referenceLength: number): number {
  if (hypothesisLength >= referenceLength) return 1;
  return hypothesisLength === 0 ? 0 : Math.exp(1 - referenceLength / hypothesisLength);
}

/** Precisions of all orders in per cent, and their geometric mean. `add-k` modifies `counts` and `totals`. */
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
  // Without any match the score is 0, whatever the smoothing.
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
