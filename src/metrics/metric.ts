import { S2sError } from '../errors.js';
import { plural } from '../plural.js';

/**
 * A corpus metric computed from additive statistics of segments. Scores of subsets and of bootstrap samples can be
 * computed from the statistics without the text.
 */
export interface Metric<Score> {
  /**
   * @param references at least one
   * @returns statistics; their number is the same for every segment
   */
  segmentStatistics(hypothesis: string, references: readonly string[]): number[];

  /**
   * @param sums the statistics, summed over all segments
   * @param referenceCount number of reference sets, for the signature
   */
  score(sums: readonly number[], referenceCount: number): Score;
}

/**
 * The statistics of every segment: [segments, statistics].
 *
 * @param references reference sets: [sets, hypotheses]
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

/** Sums statistics over segments. */
export function sumStatistics(segments: readonly (readonly number[])[]): number[] {
  const sums = new Array<number>(segments[0]?.length ?? 0).fill(0);
  for (const segment of segments) {
    for (let i = 0; i < sums.length; i++) sums[i]! += segment[i]!;
  }
  return sums;
}

/** Corpus score; see `corpusStatistics`. */
export function corpusScore<Score>(
  metric: Metric<Score>,
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
): Score {
  return metric.score(sumStatistics(corpusStatistics(metric, hypotheses, references)), references.length);
}

/** Score of a single segment. */
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
    const counts = `${plural(hypotheses.length, 'hypothesis', 'hypotheses')} but ${plural(set.length, 'reference')}`;
    const where = references.length === 1 ? '' : ` in set ${index + 1}`;
    throw new S2sError('line-counts-differ', `Line counts differ: ${counts}${where}.`, {
      hint: 'Line N of the references must be the reference of line N of the hypotheses.',
    });
  });
  if (hypotheses.length === 0) throw new S2sError('nothing-to-score', 'There are no hypotheses to score.');
}
