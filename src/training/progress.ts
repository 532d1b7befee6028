import type { TrainingConfig } from '../config/schema.js';
import type { LossScale } from '../optim/loss-scale.js';
import { afterValidation, type PlateauState } from '../optim/schedule.js';
import { EMPTY_SUMS, type MeterSums } from './meter.js';
import { INITIAL_HISTORY, judgeValidation, type ScoreHistory } from './patience.js';
import { candidateOf, compareScores, type BestScore, type DevScores } from './selection.js';

/** State of a training run: together with weights, optimiser moments and batch position, all that a resume needs. */
export interface Progress {
  readonly step: number;
  readonly best: BestScore | undefined;
  /** The latest validation. After a resume, that of the checkpoint; undefined if the checkpoint has no score. */
  readonly validated: { readonly scores: DevScores; readonly step: number } | undefined;
  /** Validations that count as waiting since the last progress, for early stopping. */
  readonly waited: number;
  readonly history: ScoreHistory;
  readonly plateau: PlateauState;
  readonly nonFinite: { readonly total: number; readonly inRow: number };
  /** Undefined unless training in float16. */
  readonly lossScale: LossScale | undefined;
  /** Sums over the updates since the last report. */
  readonly unreported: MeterSums;
  /** Training time, including earlier sessions. */
  readonly elapsedSeconds: number;
  /** Time spent in validations, included in `elapsedSeconds`. */
  readonly validationSeconds: number;
}

export const INITIAL_PROGRESS: Progress = {
  step: 0,
  best: undefined,
  validated: undefined,
  waited: 0,
  history: INITIAL_HISTORY,
  plateau: { waited: 0, decays: 0 },
  nonFinite: { total: 0, inRow: 0 },
  lossScale: undefined,
  unreported: EMPTY_SUMS,
  elapsedSeconds: 0,
  validationSeconds: 0,
};

/**
 * Returns the progress after a validation and whether its score is better than all before. Of equal scores the later
 * one becomes the best; `patience.ts` decides what early stopping and the plateau schedule count.
 *
 * @param metric the score that selects checkpoints
 */
export function withValidation(
  progress: Progress,
  scores: DevScores,
  training: TrainingConfig,
  metric = training.earlyStopping.metric,
): { progress: Progress; improved: boolean } {
  const { best, step, plateau, waited } = progress;
  const candidate = candidateOf(metric, scores, step);
  const comparison = candidate === undefined ? -1 : compareScores(candidate, best);
  const improved = comparison > 0;
  const { verdict, history } = judgeValidation(progress.history, { metric, scores, improved });
  return {
    improved,
    progress: {
      ...progress,
      best: comparison >= 0 ? candidate : best,
      validated: { scores, step },
      history,
      waited: verdict === 'progress' ? 0 : waited + (verdict === 'waiting' ? 1 : 0),
      plateau: verdict === 'undecided' ? plateau : afterValidation(plateau, verdict === 'progress', training.schedule),
    },
  };
}
