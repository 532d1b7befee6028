import type { TrainingConfig } from '../config/schema.js';
import type { LossScale } from '../optim/loss-scale.js';
import { afterValidation, type PlateauState } from '../optim/schedule.js';
import { NO_UPDATES, type MeterSums } from './meter.js';

/** The dev score that selects checkpoints. */
export interface BestScore {
  readonly metric: 'loss' | 'bleu';
  readonly value: number;
  readonly step: number;
}

/** Dev scores of a validation by metric; empty when the model is not worth ranking (see `DivergenceWatch`). */
export type DevScores = Readonly<Partial<Record<BestScore['metric'], number>>>;

/** How far a run has come and what its validations said: everything that a resume must know besides tensors. */
export interface Progress {
  readonly step: number;
  readonly best: BestScore | undefined;
  /** The latest validation, best or not; after a resume that of the checkpoint, undefined when it has no score. */
  readonly validated: { readonly scores: DevScores; readonly step: number } | undefined;
  /** Validations since the best. */
  readonly waited: number;
  readonly plateau: PlateauState;
  readonly nonFinite: { readonly total: number; readonly inRow: number };
  /** The factor of the loss; undefined but in float16. */
  readonly lossScale: LossScale | undefined;
  /** Sums over the updates since the last one that was reported. */
  readonly unreported: MeterSums;
  /** Training time of earlier sessions and this one. */
  readonly elapsedSeconds: number;
  /** The part of it that validations took. */
  readonly validationSeconds: number;
}

/** Where every run begins. */
export const START: Progress = {
  step: 0,
  best: undefined,
  validated: undefined,
  waited: 0,
  plateau: { waited: 0, decays: 0 },
  nonFinite: { total: 0, inRow: 0 },
  lossScale: undefined,
  unreported: NO_UPDATES,
  elapsedSeconds: 0,
  validationSeconds: 0,
};

/** Whether higher or lower values of a metric are better. */
export function direction(metric: BestScore['metric']): 'higher' | 'lower' {
  return metric === 'bleu' ? 'higher' : 'lower';
}

/**
 * Progress after a validation: a better score becomes the best; any other, a missing one and one that is not finite
 * count towards patience.
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
