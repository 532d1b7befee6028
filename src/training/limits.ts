import type { TrainingConfig } from '../config/schema.js';

/** Why training stopped. */
export type StopReason = 'max-steps' | 'max-epochs' | 'max-minutes' | 'early-stopping' | 'interrupted';

/** The quantities that limits of a training run apply to. */
export interface TrainingExtent {
  readonly step: number;
  /** Completed epochs. */
  readonly epochs: number;
  readonly elapsedSeconds: number;
  /** Validations that count as waiting since the last progress, see `patience.ts`. */
  readonly waited: number;
}

/** Returns the first limit that is reached; undefined if training should continue. */
export function reachedLimit(training: TrainingConfig, extent: TrainingExtent): StopReason | undefined {
  const { maxSteps, maxEpochs, maxMinutes, earlyStopping } = training;
  if (maxSteps !== undefined && extent.step >= maxSteps) return 'max-steps';
  if (maxEpochs !== undefined && extent.epochs >= maxEpochs) return 'max-epochs';
  if (maxMinutes !== undefined && extent.elapsedSeconds >= 60 * maxMinutes) return 'max-minutes';
  if (earlyStopping.patience > 0 && extent.waited >= earlyStopping.patience) return 'early-stopping';
  return undefined;
}

/**
 * Returns the progress towards the limit that will be reached first, 0 to 1; undefined without limits. Early stopping
 * is not predictable and does not count.
 */
export function progressShare(
  training: TrainingConfig,
  extent: TrainingExtent,
  stepsPerEpoch: number,
): number | undefined {
  const shares: number[] = [];
  if (training.maxSteps !== undefined) shares.push(extent.step / training.maxSteps);
  if (training.maxEpochs !== undefined) shares.push(extent.step / (training.maxEpochs * stepsPerEpoch));
  if (training.maxMinutes !== undefined) shares.push(extent.elapsedSeconds / (60 * training.maxMinutes));
  return shares.length === 0 ? undefined : Math.min(1, Math.max(...shares));
}
