import { setImmediate } from 'node:timers/promises';
import type { Batch } from '../data/batch.js';
import { S2sError } from '../errors.js';
import { learningRate } from '../optim/schedule.js';
import type { TrainingEvent, UpdateEvent, ValidationEvent } from './events.js';
import { progressShare, reachedLimit, type StopReason } from './limits.js';
import { Meter } from './meter.js';
import { withValidation, type Progress } from './progress.js';
import { rehearse } from './rehearse.js';
import { saveRun } from './save.js';
import { completedEpochs, stepsPerEpoch, type TrainingRun } from './run.js';
import { update, type UpdateResult } from './update.js';
import { validate } from './validate.js';

/**
 * The training loop: updates, validations and checkpoints until a limit is reached or the signal aborts, each told as
 * an event. It prints nothing. The last checkpoint is saved before the last event.
 *
 * @param signal aborting it ends the training after the present update
 * @throws S2sError `diverged` after `training.maxNonFiniteSteps` updates in a row without a finite loss
 */
export async function* train(run: TrainingRun, signal?: AbortSignal): AsyncGenerator<TrainingEvent, void, undefined> {
  const { training } = run.config;
  let progress = run.progress;
  const clock = startClock(progress.elapsedSeconds);
  const meter = new Meter();
  let validatedStep = progress.step;
  let savedStep = progress.step;

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

  let reason: StopReason | undefined;
  for (;;) {
    reason = stopReason(run, progress, clock(), signal);
    if (reason !== undefined) break;
    const started = performance.now();
    const batches = takeBatches(run);
    const number = progress.step + 1;
    const rate = learningRate(number, training.optimizer.learningRate, training.schedule, progress.plateau);
    const result = update(run.model, run.optimizer, batches, { training, seed: run.config.seed, update: number, learningRate: rate });
    if (!result.applied) {
      progress = withSkip(progress, clock());
      const { epoch, batch } = run.batches.position;
      yield { type: 'skipped', step: progress.step, ...progress.nonFinite, epoch: epoch + 1, batch };
      if (progress.nonFinite.inRow >= training.maxNonFiniteSteps) throw await diverged(run, progress, savedStep);
      continue;
    }
    progress = { ...progress, step: number, nonFinite: { ...progress.nonFinite, inRow: 0 }, elapsedSeconds: clock() };
    meter.add(result, (performance.now() - started) / 1000);
    const event = updateEvent(run, progress, meter, result, rate);
    if (event.report) meter.reset();
    yield event;

    if (validationIsDue(run, progress)) {
      const validated = await runValidation(run, progress, clock);
      ({ progress } = validated);
      yield validated.event;
      validatedStep = progress.step;
    }
    if (validatedStep === progress.step || (training.checkpoints.everySteps !== undefined && progress.step % training.checkpoints.everySteps === 0)) {
      yield { type: 'checkpoint', ...(await saveRun(run, progress)) };
      savedStep = progress.step;
    }
    // Lets signals and timers in: an update blocks the thread.
    await setImmediate();
  }

  if (reason !== 'interrupted' && validatedStep !== progress.step) {
    const validated = await runValidation(run, progress, clock);
    ({ progress } = validated);
    yield validated.event;
    yield { type: 'checkpoint', ...(await saveRun(run, progress)) };
  } else if (savedStep !== progress.step) {
    progress = { ...progress, elapsedSeconds: clock() };
    yield { type: 'checkpoint', ...(await saveRun(run, progress)) };
  }
  yield {
    type: 'stopped',
    reason,
    step: progress.step,
    epoch: run.batches.position.epoch + 1,
    best: progress.best,
    skipped: progress.nonFinite.total,
    elapsedSeconds: clock(),
  };
}

/** The reason for which a run would stop at once, if any: a resumed one may have nothing left to do. */
export function stopReason(run: TrainingRun, progress: Progress, elapsedSeconds: number, signal?: AbortSignal): StopReason | undefined {
  if (signal?.aborted) return 'interrupted';
  const epochs = completedEpochs(run);
  return reachedLimit(run.config.training, { step: progress.step, epochs, elapsedSeconds, waited: progress.waited });
}

/** Seconds of training so far, those of earlier sessions included. */
function startClock(earlierSeconds: number): () => number {
  const started = performance.now();
  return () => earlierSeconds + (performance.now() - started) / 1000;
}

/** The batches of one update: as many as are accumulated, or what is left of the epoch. */
function takeBatches(run: TrainingRun): Batch[] {
  const { accumulate } = run.config.training.batch;
  const batches = [run.batches.next()];
  while (batches.length < accumulate && run.batches.position.batch < run.batches.batchesInEpoch(run.batches.position.epoch)) {
    batches.push(run.batches.next());
  }
  return batches;
}

function updateEvent(run: TrainingRun, progress: Progress, meter: Meter, result: UpdateResult, rate: number): UpdateEvent {
  const { training } = run.config;
  const { step, elapsedSeconds, waited } = progress;
  const share = progressShare(training, { step, epochs: completedEpochs(run), elapsedSeconds, waited }, stepsPerEpoch(run));
  const sessionShare = share === undefined || run.startShare === undefined ? undefined : share - run.startShare;
  const sessionSeconds = elapsedSeconds - run.progress.elapsedSeconds;
  return {
    type: 'update',
    step,
    epoch: run.batches.position.epoch + 1,
    report: step % training.logEvery === 0,
    ...meter.reading(),
    learningRate: rate,
    gradientNorm: result.gradientNorm,
    elapsedSeconds,
    share,
    remainingSeconds: sessionShare === undefined || share === undefined || sessionShare <= 0 ? undefined : (sessionSeconds * (1 - share)) / sessionShare,
    residentBytes: process.memoryUsage.rss(),
  };
}

function validationIsDue(run: TrainingRun, progress: Progress): boolean {
  const { every, unit } = run.config.training.validation;
  if (unit === 'steps') return progress.step % every === 0;
  const { epoch, batch } = run.batches.position;
  return batch >= run.batches.batchesInEpoch(epoch) && (epoch + 1) % every === 0;
}

async function runValidation(run: TrainingRun, before: Progress, clock: () => number): Promise<{ progress: Progress; event: ValidationEvent }> {
  const { training } = run.config;
  const started = performance.now();
  const validation = await validate(run.model, run.dev, run.tokenizers, run.config);
  const watched = training.earlyStopping.metric === 'bleu' ? (validation.bleu ?? Number.NaN) : validation.loss;
  const { progress, improved } = withValidation({ ...before, elapsedSeconds: clock() }, watched, training);
  const { step, elapsedSeconds } = progress;
  const seconds = (performance.now() - started) / 1000;
  return { progress, event: { type: 'validation', step, epoch: run.batches.position.epoch + 1, ...validation, improved, seconds, elapsedSeconds } };
}

function withSkip(progress: Progress, elapsedSeconds: number): Progress {
  const { total, inRow } = progress.nonFinite;
  return { ...progress, nonFinite: { total: total + 1, inRow: inRow + 1 }, elapsedSeconds };
}

async function diverged(run: TrainingRun, progress: Progress, savedStep: number): Promise<S2sError> {
  if (savedStep !== progress.step) await saveRun(run, progress);
  return new S2sError('diverged', `the loss was infinite or not a number in ${progress.nonFinite.inRow} updates in a row; stopped at step ${progress.step}`, {
    place: { file: run.runDirectory },
    hint: 'The weights of the last good step are saved. Lower training.optimizer.learningRate or training.clipNorm, or lengthen training.schedule.warmupSteps, then resume.',
  });
}
