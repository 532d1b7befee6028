import type { Batch } from '../data/batch.js';
import { batchOrigin } from '../data/batch-origin.js';
import type { SkippedEvent, StartEvent, UpdateEvent } from './events.js';
import { progressShare } from './limits.js';
import { averages } from './meter.js';
import type { Progress } from './progress.js';
import { completedEpochs, stepsPerEpoch, type TrainingRun } from './run.js';
import type { UpdateResult } from './update.js';

export function startEvent(run: TrainingRun): StartEvent {
  return {
    type: 'start',
    runDirectory: run.runDirectory,
    step: run.progress.step,
    parameters: run.model.parameters.count,
    trainPairs: run.trainPairs,
    devPairs: run.dev.sources.length,
    stepsPerEpoch: stepsPerEpoch(run),
    paddingShare: run.paddingShare,
  };
}

/** @param progress after the update */
export function updateEvent(
  run: TrainingRun,
  progress: Progress,
  { gradientNorm }: UpdateResult,
  learningRate: number,
): UpdateEvent {
  const { step, elapsedSeconds } = progress;
  return {
    type: 'update',
    step,
    epoch: run.batches.position.epoch + 1,
    report: step % run.config.training.logEvery === 0,
    ...averages(progress.unreported),
    learningRate,
    gradientNorm,
    elapsedSeconds,
    ...estimateRemaining(run, progress),
    residentBytes: process.memoryUsage.rss(),
  };
}

/** Extrapolates the speed of this session: earlier sessions may have run on another machine. */
function estimateRemaining(
  run: TrainingRun,
  { step, elapsedSeconds, waited }: Progress,
): Pick<UpdateEvent, 'share' | 'remainingSeconds'> {
  const extent = { step, epochs: completedEpochs(run), elapsedSeconds, waited };
  const share = progressShare(run.config.training, extent, stepsPerEpoch(run));
  if (share === undefined || run.startShare === undefined || share <= run.startShare) {
    return { share, remainingSeconds: undefined };
  }
  const sessionSeconds = elapsedSeconds - run.progress.elapsedSeconds;
  return { share, remainingSeconds: (sessionSeconds * (1 - share)) / (share - run.startShare) };
}

/** @param batches of the skipped update; the last one is the latest that was taken from `run.batches` */
export function skippedEvent(
  run: TrainingRun,
  progress: Progress,
  { notFinite, nonFiniteBatch }: UpdateResult,
  batches: readonly Batch[],
): SkippedEvent {
  const { epoch, batch: last } = run.batches.position;
  const origins = batches.map((batch, index) => batchOrigin(batch, last - batches.length + 1 + index, run.placeOf));
  return {
    type: 'skipped',
    step: progress.step,
    ...progress.nonFinite,
    epoch: epoch + 1,
    batch: last,
    notFinite: notFinite ?? 'gradient',
    batches: nonFiniteBatch === undefined ? origins : [origins[nonFiniteBatch]!],
  };
}
