import type { Selection } from '../checkpoint/checkpoint-index.js';

/** The dev scores that can select checkpoints. */
export const SCORE_NAMES = ['loss', 'bleu', 'chrf'] as const;
export type ScoreName = (typeof SCORE_NAMES)[number];

/** Dev scores of a validation; empty if the model is not healthy (see `DivergenceDetector`). */
export type DevScores = Readonly<Partial<Record<ScoreName, number>>>;

/** The best dev score of the metric that selects checkpoints. */
export interface BestScore {
  readonly metric: ScoreName;
  readonly value: number;
  readonly step: number;
  /** chrF of the same validation, which decides between equal BLEU scores; undefined for other metrics. */
  readonly chrf?: number | undefined;
}

/**
 * Which checkpoint is the best: the one with the best score of the metric. Between equal BLEU scores chrF decides, so
 * that chrF selects as long as BLEU is 0. Of checkpoints that are equal in this too, the latest is the best: it has
 * been trained for longer.
 */
export function selectionOf(metric: ScoreName): Selection {
  if (metric === 'bleu') return { metric, better: 'higher', tieBreak: 'chrf' };
  return { metric, better: metric === 'loss' ? 'lower' : 'higher' };
}

/** The score of a validation as a candidate for the best; undefined if it is missing or not finite. */
export function candidateOf(metric: ScoreName, scores: DevScores, step: number): BestScore | undefined {
  const value = scores[metric];
  if (value === undefined || !Number.isFinite(value)) return undefined;
  const { chrf } = scores;
  return { metric, value, step, ...(metric === 'bleu' && chrf !== undefined && { chrf }) };
}

/**
 * Compares a later candidate with the best score so far.
 *
 * @returns positive if the candidate is better, 0 if they are equal (the candidate is selected), negative if it is
 *   worse
 */
export function compareScores(candidate: BestScore, best: BestScore | undefined): number {
  if (best?.metric !== candidate.metric) return 1;
  const difference = candidate.value - best.value;
  if (difference !== 0) return candidate.metric === 'loss' ? -difference : difference;
  return candidate.chrf === undefined || best.chrf === undefined ? 0 : candidate.chrf - best.chrf;
}
