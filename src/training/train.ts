import { setImmediate } from 'node:timers/promises';
import { shapeOf, type Batch } from '../data/batch.js';
import { batchOrigin } from '../data/batch-origin.js';
import { explainBatchOutOfMemory } from '../loss/batch-memory.js';
import { afterApplied, afterOverflow } from '../optim/loss-scale.js';
import { learningRate } from '../optim/schedule.js';
import { loadedRuntime } from '../runtime/tensorflow.js';
import {
  divergedInSkippedUpdates,
  divergedInUpdates,
  divergedOnDev,
  divergedWeights,
  DivergenceWatch,
  healthWarning,
} from './divergence.js';
import type { CheckpointEvent, SkippedEvent, TrainingEvent, UpdateEvent, ValidationEvent } from './events.js';
import { progressShare, reachedLimit, type StopReason } from './limits.js';
import { NO_UPDATES, reading, withUpdate } from './meter.js';
import { withValidation, type DevScores, type Progress } from './progress.js';
import { rehearse } from './rehearse.js';
import { bestSaved, saveRun, scoreRun } from './save.js';
import { completedEpochs, stepsPerEpoch, type TrainingRun } from './run.js';
import { update, type UpdateResult } from './update.js';
import { validate } from './validate.js';

/**
 * The training loop: updates, validations and checkpoints until a limit is reached or the signal aborts, each told as
 * an event. It prints nothing. The last checkpoint is saved before the last event.
 *
 * Weights, validations and rows of metrics are those of an unbroken training wherever it was stopped and resumed. Only
 * the validation with which a limit off the validation schedule ends a training is one more: it can make the best
 * checkpoint, but counts neither towards patience nor towards a decay of the learning rate.
 *
 * @param signal aborting it ends the training after the present update, and after the validation that is due with it
 * @throws S2sError `diverged` after `training.maxNonFiniteSteps` updates in a row whose loss, perplexity or gradient was
 *   not finite; when `DivergenceWatch` says so, in updates, in two validations in a row, or in the one that ends the
 *   training; and when weights are no longer finite; `out-of-memory`
 */
export async function* train(run: TrainingRun, signal?: AbortSignal): AsyncGenerator<TrainingEvent, void, undefined> {
  const { training } = run.config;
  let progress = run.progress;
  const clock = startClock(progress.elapsedSeconds);
  const watch = new DivergenceWatch(
    run.model.targetVocabularySize,
    training.schedule.warmupSteps,
    progress.validated?.step,
  );
  let savedStep = progress.step > 0 ? progress.step : undefined;
  const whereItStands = () => ({ runDirectory: run.runDirectory, step: progress.step, savedStep, watch });
  const save = async (): Promise<CheckpointEvent | undefined> => {
    const saved = await saveRun(run, progress);
    if (saved === undefined) return undefined;
    savedStep = saved.step;
    return { type: 'checkpoint', ...saved };
  };

  yield {
    type: 'start',
    runDirectory: run.runDirectory,
    step: progress.step,
    parameters: run.model.parameters.count,
    trainPairs: run.trainPairs,
    devPairs: run.dev.sources.length,
    stepsPerEpoch: stepsPerEpoch(run),
    paddingShare: run.paddingShare,
  };
  yield await rehearse(run);
  releaseMemory();

  let reason: StopReason | undefined;
  for (;;) {
    reason = stopReason(run, progress, clock(), signal);
    if (reason !== undefined) break;
    const started = performance.now();
    const batches = await takeBatches(run, signal);
    if (batches === undefined) continue;
    const number = progress.step + 1;
    const rate = learningRate(number, training.optimizer.learningRate, training.schedule, progress.plateau);
    const lossFactor = progress.lossScale?.factor;
    const settings = {
      training,
      seed: run.config.seed,
      update: number,
      learningRate: rate,
      lossFactor,
      reduce: run.reduce,
    };
    const task = { name: `training step ${number}`, remedy: 'training', placeOf: run.placeOf } as const;
    const result = await update(run.model, run.optimizer, batches, settings).catch((error: unknown) => {
      throw explainBatchOutOfMemory(error, largestOf(run, batches), task, (shape) => run.model.memory(shape));
    });
    const lowered =
      overflowed(result) && progress.lossScale !== undefined ? afterOverflow(progress.lossScale) : undefined;
    if (result.applied) {
      progress = {
        ...progress,
        step: number,
        nonFinite: { ...progress.nonFinite, inRow: 0 },
        lossScale: progress.lossScale && afterApplied(progress.lossScale),
        unreported: withUpdate(progress.unreported, result, (performance.now() - started) / 1000),
        elapsedSeconds: clock(),
      };
      const event = updateEvent(run, progress, result, rate);
      if (event.report) {
        progress = { ...progress, unreported: NO_UPDATES };
        releaseMemory();
      }
      yield event;
      if (watch.afterUpdate(result)) throw divergedInUpdates(whereItStands(), run.model.targetVocabularySize);
    } else if (lowered !== undefined) {
      progress = { ...progress, lossScale: lowered, elapsedSeconds: clock() };
      yield { type: 'rescaled', step: progress.step, lossFactor: lowered.factor };
    } else {
      progress = withSkip(progress, clock());
      const event = skippedEvent(run, progress, result, batches);
      yield event;
      if (event.inRow >= training.maxNonFiniteSteps) throw divergedInSkippedUpdates(whereItStands(), event);
    }

    const validationDue = validationIsDue(run, progress);
    if (validationDue) {
      const validated = await runValidation(run, progress, watch, clock);
      ({ progress } = validated);
      yield validated.event;
      if (watch.isLost) throw divergedOnDev(whereItStands());
      releaseMemory();
    }
    if (!watch.hasDiverged && (validationDue || saveIsDue(run, progress, savedStep))) {
      const saved = await save();
      if (saved === undefined) throw divergedWeights(whereItStands());
      yield saved;
    }
    // Lets signals and timers in: an update blocks the thread.
    await setImmediate();
  }

  progress = { ...progress, elapsedSeconds: clock() };
  const isSaved = savedStep === progress.step;
  if (reason !== 'interrupted' && progress.step > 0 && progress.validated?.step !== progress.step) {
    const { progress: scored, event } = await runValidation(run, progress, watch, clock);
    const { validated, elapsedSeconds, validationSeconds } = scored;
    progress = { ...progress, validated, elapsedSeconds, validationSeconds };
    yield event;
    // Its checkpoint was written before this validation.
    const scoredCheckpoint = isSaved ? await scoreRun(run, progress) : undefined;
    if (scoredCheckpoint?.best === true) yield { type: 'checkpoint', ...scoredCheckpoint };
  }
  if (reason !== 'interrupted' && watch.hasDiverged) throw divergedOnDev(whereItStands());
  if (progress.step > 0 && !isSaved && !watch.hasDiverged) {
    const saved = await save();
    if (saved !== undefined) yield saved;
    else if (reason !== 'interrupted') throw divergedWeights(whereItStands());
  }
  yield {
    type: 'stopped',
    reason,
    step: progress.step,
    epoch: run.batches.position.epoch + 1,
    savedStep,
    best: await bestSaved(run),
    skipped: progress.nonFinite.total,
    elapsedSeconds: clock(),
  };
}

/** The reason for which a run would stop at once, if any: a resumed one may have nothing left to do. */
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

/** Whether only the gradient was not finite: with a smaller factor of the loss it may be. */
function overflowed({ notFinite }: UpdateResult): boolean {
  return notFinite === 'gradient';
}

function releaseMemory(): void {
  loadedRuntime()?.releaseMemory();
}

/** Seconds of training so far, those of earlier sessions included. */
function startClock(earlierSeconds: number): () => number {
  const started = performance.now();
  return () => earlierSeconds + (performance.now() - started) / 1000;
}

/**
 * The batches of one update: as many as are accumulated, or what is left of the epoch.
 *
 * @returns undefined when the signal aborts before the first is ready, which can take minutes where a new epoch is planned;
 *   the rest of an epoch comes without such a wait
 */
async function takeBatches(run: TrainingRun, signal: AbortSignal | undefined): Promise<Batch[] | undefined> {
  const { accumulate } = run.config.training.batch;
  if (!(await run.batches.ready(signal))) return undefined;
  const batches = [await run.batches.next()];
  while (
    batches.length < accumulate &&
    run.batches.position.batch < run.batches.batchesInEpoch(run.batches.position.epoch)
  ) {
    batches.push(await run.batches.next());
  }
  return batches;
}

/** The batch of an update that needs the most memory. */
function largestOf({ model }: TrainingRun, batches: readonly Batch[]): Batch {
  const needs = batches.map((batch) => model.memory(shapeOf(batch)));
  return batches[needs.indexOf(Math.max(...needs))]!;
}

function updateEvent(run: TrainingRun, progress: Progress, result: UpdateResult, rate: number): UpdateEvent {
  const { training } = run.config;
  const { step, elapsedSeconds, waited } = progress;
  const share = progressShare(
    training,
    { step, epochs: completedEpochs(run), elapsedSeconds, waited },
    stepsPerEpoch(run),
  );
  const sessionShare = share === undefined || run.startShare === undefined ? undefined : share - run.startShare;
  const sessionSeconds = elapsedSeconds - run.progress.elapsedSeconds;
  return {
    type: 'update',
    step,
    epoch: run.batches.position.epoch + 1,
    report: step % training.logEvery === 0,
    ...reading(progress.unreported),
    learningRate: rate,
    gradientNorm: result.gradientNorm,
    elapsedSeconds,
    share,
    remainingSeconds:
      sessionShare === undefined || share === undefined || sessionShare <= 0
        ? undefined
        : (sessionSeconds * (1 - share)) / sessionShare,
    residentBytes: process.memoryUsage.rss(),
  };
}

/** @param batches those of the update, the last of which is the latest taken */
function skippedEvent(
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

/** Whether the schedule asks for a validation that this step has not had; a skipped update may end an epoch, too. */
function validationIsDue(run: TrainingRun, { step, validated }: Progress): boolean {
  if (step === 0 || step === validated?.step) return false;
  const { every, unit } = run.config.training.validation;
  if (unit === 'steps') return step % every === 0;
  const { epoch, batch } = run.batches.position;
  return batch >= run.batches.batchesInEpoch(epoch) && (epoch + 1) % every === 0;
}

/** Whether the schedule asks for a checkpoint between validations. */
function saveIsDue(run: TrainingRun, { step }: Progress, savedStep: number | undefined): boolean {
  const { everySteps } = run.config.training.checkpoints;
  return everySteps !== undefined && step > 0 && step % everySteps === 0 && step !== savedStep;
}

async function runValidation(
  run: TrainingRun,
  before: Progress,
  watch: DivergenceWatch,
  clock: () => number,
): Promise<{ progress: Progress; event: ValidationEvent }> {
  const started = performance.now();
  const validation = await validate(run.model, run.dev, run.tokenizers, run.config);
  const { loss, bleu, perplexity } = validation;
  const model = { loss, perplexity, step: before.step, epochs: completedEpochs(run) };
  const health = watch.afterValidation(model);
  const warning = healthWarning(health, model, run.model.targetVocabularySize);
  const scores: DevScores = health === 'healthy' ? { loss, bleu } : {};
  const seconds = (performance.now() - started) / 1000;
  const timed = { ...before, elapsedSeconds: clock(), validationSeconds: before.validationSeconds + seconds };
  const { progress, improved } = withValidation(timed, scores, run.config.training);
  const { step, elapsedSeconds } = progress;
  const event: ValidationEvent = {
    type: 'validation',
    step,
    epoch: run.batches.position.epoch + 1,
    ...validation,
    warnings: [...(warning === undefined ? [] : [warning]), ...validation.warnings],
    improved,
    seconds,
    timeShare: progress.validationSeconds / elapsedSeconds,
    elapsedSeconds,
  };
  return { progress, event };
}

function withSkip(progress: Progress, elapsedSeconds: number): Progress {
  const { total, inRow } = progress.nonFinite;
  return { ...progress, nonFinite: { total: total + 1, inRow: inRow + 1 }, elapsedSeconds };
}
