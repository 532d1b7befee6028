import type { TrainingConfig } from '../config/schema.js';

/** Why a training ended. */
export type StopReason = 'max-steps' | 'max-epochs' | 'max-minutes' | 'early-stopping' | 'interrupted';

/** How far a training has come. */
export interface TrainingExtent {
  readonly step: number;
  /** Passes completed over the training data. */
  readonly epochs: number;
  readonly elapsedSeconds: number;
  /** Validations without improvement. */
  readonly waited: number;
}

/** The limit that a training has reached, if any. */
export function reachedLimit(training: TrainingConfig, extent: TrainingExtent): StopReason | undefined {
  const { maxSteps, maxEpochs, maxMinutes, earlyStopping } = training;
  if (maxSteps !== undefined && extent.step >= maxSteps) return 'max-steps';
  if (maxEpochs !== undefined && extent.epochs >= maxEpochs) return 'max-epochs';
  if (maxMinutes !== undefined && extent.elapsedSeconds >= 60 * maxMinutes) return 'max-minutes';
  if (earlyStopping.patience > 0 && extent.waited >= earlyStopping.patience) return 'early-stopping';
  return undefined;
}

/**
 * The share of a training that is done, 0 to 1, by the limit that comes first; undefined without limits.
 *
 * @param stepsPerEpoch updates of one pass
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
