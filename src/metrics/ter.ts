import { corpusScore, sentenceScore, type Metric } from './metric.js';
import { formatScore, formatSignature } from './signature.js';
import { countEdits } from './ter-edits.js';
import { tokenizeForTer, type TercomOptions } from './tercom-tokenizer.js';

export type TerOptions = TercomOptions;

export class TerScore {
  readonly name = 'TER';

  constructor(
    /** Edits in per cent of the reference length; 0 is best, more than 100 is possible. */
    readonly score: number,
    /** Number of insertions, deletions, substitutions and shifts. */
    readonly edits: number,
    /** Number of reference words, averaged over the reference sets. */
    readonly referenceLength: number,
    readonly signature: string,
  ) {}

  /** The score as printed by sacreBLEU: `TER = 45.20`. */
  format(width = 2, signature?: string): string {
    return formatScore(this.name, this.score, { width, signature });
  }
}

/**
 * Corpus TER (Snover et al., "A Study of Translation Edit Rate with Targeted Human Annotation", AMTA 2006), identical
 * to sacreBLEU 2.6, which follows tercom.
 *
 * @param references reference sets: [sets, hypotheses]; the reference with the fewest edits of each segment counts
 * @throws S2sError `line-counts-differ`, `no-references` or `nothing-to-score`
 */
export function corpusTer(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: TerOptions = {},
): TerScore {
  return corpusScore(terMetric(options), hypotheses, references);
}

/** Sentence TER. */
export function sentenceTer(hypothesis: string, references: readonly string[], options: TerOptions = {}): TerScore {
  return sentenceScore(terMetric(options), hypothesis, references);
}

/** TER as a `Metric`. Statistics of a segment: edits, and the mean length of its references in words. */
export function terMetric(options: TerOptions = {}): Metric<TerScore> {
  const { normalized = false, noPunctuation = false, asianSupport = false, caseSensitive = false } = options;
  const fields = {
    case: caseSensitive ? 'mixed' : 'lc',
    tok: 'tercom',
    norm: normalized,
    punct: !noPunctuation,
    asian: asianSupport,
  };

  // sacreBLEU tokenises references twice. `normalized` is not idempotent (`..2` becomes `. .2`, then `. . 2`), so a
  // reference can differ from an equal hypothesis. This is reproduced here to match its scores.
  const referenceWordsOf = (reference: string): string[] => {
    const words = tokenizeForTer(reference, options);
    return normalized ? tokenizeForTer(words.join(' '), options) : words;
  };

  return {
    segmentStatistics(hypothesis, references) {
      const hypothesisWords = tokenizeForTer(hypothesis, options);
      let edits = Infinity;
      let length = 0;
      for (const reference of references) {
        const referenceWords = referenceWordsOf(reference);
        edits = Math.min(edits, countEdits(hypothesisWords, referenceWords));
        length += referenceWords.length;
      }
      return [edits, length / references.length];
    },

    score(sums, referenceCount) {
      const [edits = 0, referenceLength = 0] = sums;
      // With empty references, any edit is an error rate of 100 %.
      const rate = referenceLength > 0 ? edits / referenceLength : edits > 0 ? 1 : 0;
      return new TerScore(100 * rate, edits, referenceLength, formatSignature(referenceCount, fields));
    },
  };
}
