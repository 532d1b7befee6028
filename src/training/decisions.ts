import { reachedLimit, type StopReason } from './limits.js';
import type { Progress } from './progress.js';
import { completedEpochs, type TrainingRun } from './run.js';

/** Why training should stop now; undefined if it should continue. A resumed run may already have reached a limit. */
export function stopReason(
  run: TrainingRun,
  progress: Progress,
  elapsedSeconds: number,
  signal?: AbortSignal,
): StopReason | undefined {
  if (signal?.aborted) return 'interrupted';
  const epochs = completedEpochs(run);
  return reachedLimit(run.config.training, { step: progress.step, epochs, elapsedSeconds, waited: progress.waited });
}

/** Whether `training.validation` schedules a validation at this step that has not run yet. */
export function validationIsDue(run: TrainingRun, { step, validated }: Progress): boolean {
  if (step === 0 || step === validated?.step) return false;
  const { every, unit } = run.config.training.validation;
  if (unit === 'steps') return step % every === 0;
  // A skipped update can end an epoch, too.
  const { epoch, batch } = run.batches.position;
  return batch >= run.batches.batchesInEpoch(epoch) && (epoch + 1) % every === 0;
}

/** Whether `training.checkpoints.everySteps` schedules a checkpoint at this step that is not saved yet. */
export function saveIsDue(run: TrainingRun, { step }: Progress, savedStep: number | undefined): boolean {
  const { everySteps } = run.config.training.checkpoints;
  return everySteps !== undefined && step > 0 && step % everySteps === 0 && step !== savedStep;
}
