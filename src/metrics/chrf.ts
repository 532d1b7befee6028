import { corpusScore, sentenceScore, type Metric } from './metric.js';
import { formatScore, formatSignature } from './signature.js';
import { removeSpaces, splitWords } from './words.js';

export interface ChrfOptions {
  /** Maximum character n-gram order; default: 6. */
  readonly charOrder?: number;
  /** Maximum word n-gram order; default: 0. chrF++ has 2. */
  readonly wordOrder?: number;
  /** Weight of recall relative to precision; default: 2. */
  readonly beta?: number;
  /** Case-insensitive scoring; default: false. */
  readonly lowercase?: boolean;
  /** Include whitespace in character n-grams; default: false. */
  readonly whitespace?: boolean;
  /**
   * Use a small epsilon for orders without n-grams, as in chrF++.py, Moses and NLTK. Default: false, which ignores
   * these orders.
   */
  readonly epsSmoothing?: boolean;
}

export class ChrfScore {
  /** `chrF` with beta and one `+` per word order: `chrF2`, `chrF2++`. */
  readonly name: string;

  constructor(
    /** 0 to 100. */
    readonly score: number,
    readonly charOrder: number,
    readonly wordOrder: number,
    readonly beta: number,
    readonly signature: string,
  ) {
    this.name = `chrF${beta}${'+'.repeat(wordOrder)}`;
  }

  /** The score as printed by sacreBLEU: `chrF2 = 58.12`. */
  format(width = 2, signature?: string): string {
    return formatScore(this.name, this.score, { width, signature });
  }
}

/**
 * Corpus chrF (Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015) or, with `wordOrder` 2,
 * chrF++ (Popović, "chrF++: words helping character n-grams", WMT 2017), identical to sacreBLEU 2.6.
 *
 * @param references reference sets: [sets, hypotheses]; the best-scoring reference of each segment counts
 * @throws S2sError `line-counts-differ`, `no-references` or `nothing-to-score`
 */
export function corpusChrf(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: ChrfOptions = {},
): ChrfScore {
  return corpusScore(chrfMetric(options), hypotheses, references);
}

/** Sentence chrF. */
export function sentenceChrf(hypothesis: string, references: readonly string[], options: ChrfOptions = {}): ChrfScore {
  return sentenceScore(chrfMetric(options), hypothesis, references);
}

/**
 * chrF as a `Metric`. Statistics of a segment for each character order, then each word order: number of n-grams of the
 * hypothesis, of the reference, and matches.
 */
export function chrfMetric(options: ChrfOptions = {}): Metric<ChrfScore> {
  const {
    charOrder = 6,
    wordOrder = 0,
    beta = 2,
    lowercase = false,
    whitespace = false,
    epsSmoothing = false,
  } = options;
  const fields = {
    case: lowercase ? 'lc' : 'mixed',
    eff: !epsSmoothing,
    nc: charOrder,
    nw: wordOrder,
    space: whitespace,
  };
  const prepare = (text: string): Sequences => {
    const cased = lowercase ? text.toLowerCase() : text;
    return {
      characters: [...(whitespace ? cased : removeSpaces(cased))],
      words: wordOrder === 0 ? [] : separatePunctuation(cased),
    };
  };

  return {
    segmentStatistics(hypothesis, references) {
      const own = prepare(hypothesis);
      let best: number[] = [];
      let bestScore = -1;
      for (const reference of references) {
        const other = prepare(reference);
        const statistics = [
          ...matchStatistics(own.characters, other.characters, charOrder),
          ...matchStatistics(own.words, other.words, wordOrder),
        ];
        const score = fScore(statistics, beta, epsSmoothing);
        if (score <= bestScore) continue;
        best = statistics;
        bestScore = score;
      }
      return best;
    },

    score(sums, referenceCount) {
      return new ChrfScore(
        fScore(sums, beta, epsSmoothing),
        charOrder,
        wordOrder,
        beta,
        formatSignature(referenceCount, fields),
      );
    },
  };
}

interface Sequences {
  /** Code points. */
  readonly characters: readonly string[];
  readonly words: readonly string[];
}

const PUNCTUATION = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~');

/** Splits one ASCII punctuation mark off each word: the last character, otherwise the first. */
function separatePunctuation(text: string): string[] {
  return splitWords(text).flatMap((word) => {
    const [first = '', ...rest] = word;
    const last = rest.at(-1);
    if (last === undefined) return [word];
    if (PUNCTUATION.has(last)) return [word.slice(0, -1), last];
    return PUNCTUATION.has(first) ? [first, word.slice(1)] : [word];
  });
}

/** For each order from 1: n-grams of the hypothesis (0 if the reference has none), of the reference, and matches. */
function matchStatistics(hypothesis: readonly string[], reference: readonly string[], maxOrder: number): number[] {
  const statistics: number[] = [];
  const ids = new Map<string, number>();
  const idOf = (unit: string): number => ids.get(unit) ?? (ids.set(unit, ids.size), ids.size - 1);
  const hypothesisUnits = hypothesis.map(idOf);
  const referenceUnits = reference.map(idOf);
  // An n-gram is identified by (id of its first n - 1 units, last unit), since numeric keys are faster than strings.
  let hypothesisIds = new Array<number>(hypothesis.length).fill(0);
  let referenceIds = new Array<number>(reference.length).fill(0);
  for (let order = 1; order <= maxOrder; order++) {
    const numbers = new Map<number, number>();
    const counts: number[] = [];
    const extend = (prefixes: readonly number[], units: readonly number[]): number[] => {
      const extended: number[] = [];
      for (let start = 0; start + order <= units.length; start++) {
        const key = prefixes[start]! * ids.size + units[start + order - 1]!;
        let number = numbers.get(key);
        if (number === undefined) {
          number = numbers.size;
          numbers.set(key, number);
          counts.push(0);
        }
        extended.push(number);
      }
      return extended;
    };
    referenceIds = extend(referenceIds, referenceUnits);
    for (const number of referenceIds) counts[number]!++;
    hypothesisIds = extend(hypothesisIds, hypothesisUnits);
    let matches = 0;
    for (const number of hypothesisIds) if (counts[number]!-- > 0) matches++;
    statistics.push(referenceIds.length === 0 ? 0 : hypothesisIds.length, referenceIds.length, matches);
  }
  return statistics;
}

const EPSILON = 1e-16;

/** F-score of the mean precision and recall or, with `epsSmoothing`, mean F-score of all orders; in per cent. */
function fScore(statistics: readonly number[], beta: number, epsSmoothing: boolean): number {
  const factor = beta ** 2;
  const f = (precision: number, recall: number): number =>
    ((1 + factor) * precision * recall) / (factor * precision + recall);
  const orders = statistics.length / 3;
  let sum = 0;
  let precisions = 0;
  let recalls = 0;
  let effectiveOrders = 0;
  for (let i = 0; i < orders; i++) {
    const ofHypothesis = statistics[3 * i]!;
    const ofReference = statistics[3 * i + 1]!;
    const matches = statistics[3 * i + 2]!;
    const precision = ofHypothesis > 0 ? matches / ofHypothesis : EPSILON;
    const recall = ofReference > 0 ? matches / ofReference : EPSILON;
    sum += factor * precision + recall > 0 ? f(precision, recall) : EPSILON;
    if (ofHypothesis === 0 || ofReference === 0) continue;
    precisions += precision;
    recalls += recall;
    effectiveOrders++;
  }
  if (epsSmoothing) return (100 * sum) / orders;
  return precisions + recalls === 0 ? 0 : 100 * f(precisions / effectiveOrders, recalls / effectiveOrders);
}
