import type { TrainingConfig } from '../config/schema.js';
import type { LossScale } from '../optim/loss-scale.js';
import { afterValidation, type PlateauState } from '../optim/schedule.js';
import { EMPTY_SUMS, type MeterSums } from './meter.js';

/** The best dev score of the metric that selects checkpoints. */
export interface BestScore {
  readonly metric: 'loss' | 'bleu';
  readonly value: number;
  readonly step: number;
}

/** Dev scores of a validation by metric; empty if the model is not healthy (see `DivergenceDetector`). */
export type DevScores = Readonly<Partial<Record<BestScore['metric'], number>>>;

/** State of a training run: together with weights, optimiser moments and batch position, all that a resume needs. */
export interface Progress {
  readonly step: number;
  readonly best: BestScore | undefined;
  /** The latest validation. After a resume, that of the checkpoint; undefined if the checkpoint has no score. */
  readonly validated: { readonly scores: DevScores; readonly step: number } | undefined;
  /** Validations since the last improvement, for early stopping. */
  readonly waited: number;
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
  plateau: { waited: 0, decays: 0 },
  nonFinite: { total: 0, inRow: 0 },
  lossScale: undefined,
  unreported: EMPTY_SUMS,
  elapsedSeconds: 0,
  validationSeconds: 0,
};

export function direction(metric: BestScore['metric']): 'higher' | 'lower' {
  return metric === 'bleu' ? 'higher' : 'lower';
}

/**
 * Returns the progress after a validation and whether its score is the best so far. A score that is not better, missing
 * or not finite counts towards the patience of early stopping and of the plateau schedule.
 */
export function withValidation(
  progress: Progress,
  scores: DevScores,
  training: TrainingConfig,
): { progress: Progress; improved: boolean } {
  const { metric } = training.earlyStopping;
  const { best } = progress;
  const value = scores[metric] ?? Number.NaN;
  const isBetter =
    best?.metric !== metric || (direction(metric) === 'higher' ? value > best.value : value < best.value);
  const improved = Number.isFinite(value) && isBetter;
  return {
    improved,
    progress: {
      ...progress,
      best: improved ? { metric, value, step: progress.step } : best,
      validated: { scores, step: progress.step },
      waited: improved ? 0 : progress.waited + 1,
      plateau: afterValidation(progress.plateau, improved, training.schedule),
    },
  };
}
