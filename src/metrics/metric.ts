import { S2sError } from '../errors.js';

/**
 * A metric in two steps: statistics of each segment, which add up over a corpus, and a score of the sums. The score of
 * any part of a corpus, or of a resampled one, needs no second look at the text.
 */
export interface Metric<Score> {
  /**
   * @param references at least one translation of the same sentence
   * @returns as many numbers for every segment
   */
  segmentStatistics(hypothesis: string, references: readonly string[]): number[];

  /**
   * @param sums the statistics of all segments, added up
   * @param referenceCount for the signature
   */
  score(sums: readonly number[], referenceCount: number): Score;
}

/**
 * The statistics of every segment.
 *
 * @param references sets of references, each as long as the hypotheses
 * @throws S2sError `line-counts-differ`, `no-references` or `nothing-to-score`
 */
export function corpusStatistics(
  metric: Metric<unknown>,
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
): number[][] {
  checkCounts(hypotheses, references);
  return hypotheses.map((hypothesis, index) =>
    metric.segmentStatistics(
      hypothesis,
      references.map((set) => set[index] ?? ''),
    ),
  );
}

/** Adds up the statistics of segments. */
export function sumStatistics(segments: readonly (readonly number[])[]): number[] {
  const sums = new Array<number>(segments[0]?.length ?? 0).fill(0);
  for (const segment of segments) {
    for (let i = 0; i < sums.length; i++) sums[i]! += segment[i]!;
  }
  return sums;
}

/** The score of a corpus; see `corpusStatistics`. */
export function corpusScore<Score>(
  metric: Metric<Score>,
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
): Score {
  return metric.score(sumStatistics(corpusStatistics(metric, hypotheses, references)), references.length);
}

/** The score of one segment, given its references. */
export function sentenceScore<Score>(metric: Metric<Score>, hypothesis: string, references: readonly string[]): Score {
  return corpusScore(
    metric,
    [hypothesis],
    references.map((reference) => [reference]),
  );
}

function checkCounts(hypotheses: readonly string[], references: readonly (readonly string[])[]): void {
  if (references.length === 0) throw new S2sError('no-references', 'There are no references to score against.');
  references.forEach((set, index) => {
    if (set.length === hypotheses.length) return;
    const name = references.length === 1 ? 'references' : `references in set ${index + 1}`;
    throw new S2sError('line-counts-differ', `There are ${hypotheses.length} hypotheses but ${set.length} ${name}.`, {
      hint: 'Every hypothesis needs its reference, in the same order.',
    });
  });
  if (hypotheses.length === 0) throw new S2sError('nothing-to-score', 'There are no hypotheses to score.');
}
