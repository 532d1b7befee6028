import { corpusScore, sentenceScore, type Metric } from './metric.js';
import { formatScore, formatSignature } from './signature.js';
import { countEdits } from './ter-edits.js';
import { tokenizeForTer, type TercomOptions } from './tercom-tokenizer.js';

export type TerOptions = TercomOptions;

/** A translation edit rate. */
export class TerScore {
  readonly name = 'TER';

  constructor(
    /** Per cent of the reference words; 0 is best, and more than 100 is possible. */
    readonly score: number,
    /** Insertions, deletions, substitutions and shifts. */
    readonly edits: number,
    /** Words of the references, of several the mean. */
    readonly referenceLength: number,
    readonly signature: string,
  ) {}

  /** The line that sacreBLEU prints: `TER = 45.20`. */
  format(width = 2, signature?: string): string {
    return formatScore(this.name, this.score, { width, signature });
  }
}

/**
 * Translation edit rate of a corpus (Snover et al., "A Study of Translation Edit Rate with Targeted Human Annotation",
 * AMTA 2006), equal to sacreBLEU 2.6, which follows tercom.
 *
 * @param references sets of references, each as long as the hypotheses; of several the one with the fewest edits counts
 * @throws S2sError `line-counts-differ`, `no-references` or `nothing-to-score`
 */
export function corpusTer(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: TerOptions = {},
): TerScore {
  return corpusScore(terMetric(options), hypotheses, references);
}

/** Translation edit rate of one sentence, given its references. */
export function sentenceTer(hypothesis: string, references: readonly string[], options: TerOptions = {}): TerScore {
  return sentenceScore(terMetric(options), hypothesis, references);
}

/** Statistics of a segment: edits, and the mean length of its references in words. */
export function terMetric(options: TerOptions = {}): Metric<TerScore> {
  const { normalized = false, noPunctuation = false, asianSupport = false, caseSensitive = false } = options;
  const fields = {
    case: caseSensitive ? 'mixed' : 'lc',
    tok: 'tercom',
    norm: normalized,
    punct: !noPunctuation,
    asian: asianSupport,
  };

  // sacreBLEU tokenises references twice, which shows where `normalized` cuts more the second time: `..2` becomes `. .2` and
  // then `. . 2`, and no longer equals itself as a hypothesis. Scores are to equal sacreBLEU's, so it is done here, too.
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
      // Words where none should be are all wrong.
      const rate = referenceLength > 0 ? edits / referenceLength : edits > 0 ? 1 : 0;
      return new TerScore(100 * rate, edits, referenceLength, formatSignature(referenceCount, fields));
    },
  };
}
