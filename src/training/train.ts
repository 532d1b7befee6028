import { setImmediate } from 'node:timers/promises';
import { shapeOf, type Batch } from '../data/batch.js';
import { explainBatchOutOfMemory } from '../loss/batch-memory.js';
import { afterApplied, afterOverflow } from '../optim/loss-scale.js';
import { learningRate } from '../optim/schedule.js';
import { loadedRuntime } from '../runtime/tensorflow.js';
import { saveIsDue, stopReason, validationIsDue } from './decisions.js';
import {
  devPerplexityError,
  DivergenceDetector,
  healthWarning,
  nonFiniteUpdatesError,
  nonFiniteWeightsError,
  trainingPerplexityError,
} from './divergence.js';
import { dryRun } from './dry-run.js';
import { skippedEvent, startEvent, updateEvent } from './event-builders.js';
import type { CheckpointEvent, TrainingEvent, ValidationEvent } from './events.js';
import type { StopReason } from './limits.js';
import { addUpdate, EMPTY_SUMS } from './meter.js';
import { withValidation, type Progress } from './progress.js';
import { completedEpochs, type TrainingRun } from './run.js';
import { bestCheckpoint, recordValidationScores, saveRun } from './save.js';
import type { DevScores } from './selection.js';
import { update } from './update.js';
import { validate } from './validate.js';

/**
 * The training loop. Runs updates, validations and checkpoints until a limit is reached or the signal aborts, and
 * yields an event for each. Prints nothing. The last checkpoint is saved before the last event.
 *
 * A training run that was stopped and resumed has the same weights, validations and metrics rows as an uninterrupted
 * one, with one exception: a run that stops between two scheduled validations validates once more at the end. That
 * validation can select the best checkpoint, but does not count for early stopping or learning rate decay.
 *
 * @param signal aborting it ends training after the current update, and after the validation that is due at that step
 * @throws S2sError `diverged` after `training.maxNonFiniteSteps` consecutive updates with a non-finite loss, perplexity
 *   or gradient; when `DivergenceDetector` reports divergence in updates, in two consecutive validations or in the
 *   final one; and when weights are not finite. S2sError `out-of-memory`
 */
export async function* train(run: TrainingRun, signal?: AbortSignal): AsyncGenerator<TrainingEvent, void, undefined> {
  const { training } = run.config;
  let progress = run.progress;
  const clock = startClock(progress.elapsedSeconds);
  const divergence = new DivergenceDetector(
    run.model.targetVocabularySize,
    training.schedule.warmupSteps,
    progress.validated?.step,
  );
  let savedStep = progress.step > 0 ? progress.step : undefined;
  const currentState = () => ({ runDirectory: run.runDirectory, step: progress.step, savedStep, divergence });
  const save = async (): Promise<CheckpointEvent | undefined> => {
    const saved = await saveRun(run, progress);
    if (saved === undefined) return undefined;
    savedStep = saved.step;
    return { type: 'checkpoint', ...saved };
  };

  yield startEvent(run);
  yield await dryRun(run);
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
    // If only the gradient is not finite, it may be in range with a smaller loss scale.
    const lowered =
      result.notFinite === 'gradient' && progress.lossScale !== undefined
        ? afterOverflow(progress.lossScale)
        : undefined;
    if (result.applied) {
      progress = {
        ...progress,
        step: number,
        nonFinite: { ...progress.nonFinite, inRow: 0 },
        lossScale: progress.lossScale && afterApplied(progress.lossScale),
        unreported: addUpdate(progress.unreported, result, (performance.now() - started) / 1000),
        elapsedSeconds: clock(),
      };
      const event = updateEvent(run, progress, result, rate);
      if (event.report) {
        progress = { ...progress, unreported: EMPTY_SUMS };
        releaseMemory();
      }
      yield event;
      if (divergence.afterUpdate(result)) throw trainingPerplexityError(currentState(), run.model.targetVocabularySize);
    } else if (lowered !== undefined) {
      progress = { ...progress, lossScale: lowered, elapsedSeconds: clock() };
      yield { type: 'rescaled', step: progress.step, lossFactor: lowered.factor };
    } else {
      progress = withSkip(progress, clock());
      const event = skippedEvent(run, progress, result, batches);
      yield event;
      if (event.inRow >= training.maxNonFiniteSteps) throw nonFiniteUpdatesError(currentState(), event);
    }

    const validationDue = validationIsDue(run, progress);
    if (validationDue) {
      const validated = await runValidation(run, progress, divergence, clock);
      ({ progress } = validated);
      yield validated.event;
      if (divergence.shouldStop) throw devPerplexityError(currentState());
      releaseMemory();
    }
    if (!divergence.hasDiverged && (validationDue || saveIsDue(run, progress, savedStep))) {
      const saved = await save();
      if (saved === undefined) throw nonFiniteWeightsError(currentState());
      yield saved;
    }
    // An update blocks the thread: handle pending signals and timers.
    await setImmediate();
  }

  progress = { ...progress, elapsedSeconds: clock() };
  const isSaved = savedStep === progress.step;
  if (reason !== 'interrupted' && progress.step > 0 && progress.validated?.step !== progress.step) {
    const { progress: scored, event } = await runValidation(run, progress, divergence, clock);
    const { validated, elapsedSeconds, validationSeconds } = scored;
    progress = { ...progress, validated, elapsedSeconds, validationSeconds };
    yield event;
    // The checkpoint was saved without the scores of this validation.
    const scoredCheckpoint = isSaved ? await recordValidationScores(run, progress) : undefined;
    if (scoredCheckpoint?.best === true) yield { type: 'checkpoint', ...scoredCheckpoint };
  }
  if (reason !== 'interrupted' && divergence.hasDiverged) throw devPerplexityError(currentState());
  if (progress.step > 0 && !isSaved && !divergence.hasDiverged) {
    const saved = await save();
    if (saved !== undefined) yield saved;
    else if (reason !== 'interrupted') throw nonFiniteWeightsError(currentState());
  }
  yield {
    type: 'stopped',
    reason,
    step: progress.step,
    epoch: run.batches.position.epoch + 1,
    savedStep,
    best: await bestCheckpoint(run),
    skipped: progress.nonFinite.total,
    elapsedSeconds: clock(),
  };
}

function releaseMemory(): void {
  loadedRuntime()?.releaseMemory();
}

/** Returns a function that reports the training time so far in seconds, including earlier sessions. */
function startClock(earlierSeconds: number): () => number {
  const started = performance.now();
  return () => earlierSeconds + (performance.now() - started) / 1000;
}

/**
 * Takes the batches of one update: `training.batch.accumulate` of them, or fewer at the end of an epoch.
 *
 * @returns undefined if the signal aborts before the first batch is ready. The first batch of an epoch can take
 *   minutes, because its batches are planned first; the others are ready without delay.
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

/** Returns the batch that needs the most memory, by the estimate of the model. */
function largestOf({ model }: TrainingRun, batches: readonly Batch[]): Batch {
  const needs = batches.map((batch) => model.memory(shapeOf(batch)));
  return batches[needs.indexOf(Math.max(...needs))]!;
}

async function runValidation(
  run: TrainingRun,
  before: Progress,
  divergence: DivergenceDetector,
  clock: () => number,
): Promise<{ progress: Progress; event: ValidationEvent }> {
  const started = performance.now();
  const validation = await validate(run.model, run.dev, run.tokenizers, run.config);
  const { loss, bleu, chrf, perplexity } = validation;
  const model = { loss, perplexity, step: before.step, epochs: completedEpochs(run) };
  const health = divergence.afterValidation(model);
  const warning = healthWarning(health, model, run.model.targetVocabularySize);
  const scores: DevScores = health === 'healthy' ? { loss, bleu, chrf } : {};
  const { metric } = run.dev.scoring;
  const seconds = (performance.now() - started) / 1000;
  const timed = { ...before, elapsedSeconds: clock(), validationSeconds: before.validationSeconds + seconds };
  const { progress, improved } = withValidation(timed, scores, run.config.training, metric);
  const { step, elapsedSeconds } = progress;
  const event: ValidationEvent = {
    type: 'validation',
    step,
    epoch: run.batches.position.epoch + 1,
    ...validation,
    warnings: [
      ...(warning === undefined ? [] : [warning]),
      ...(metric === 'bleu' && progress.history.zeros === 2 ? [BLEU_IS_ZERO] : []),
      ...validation.warnings,
    ],
    improved,
    seconds,
    timeShare: progress.validationSeconds / elapsedSeconds,
    elapsedSeconds,
  };
  return { progress, event };
}

/** Said once, at the second validation. */
const BLEU_IS_ZERO = 'BLEU was 0 at every validation so far: until it rises, chrF selects the best checkpoint';

function withSkip(progress: Progress, elapsedSeconds: number): Progress {
  const { total, inRow } = progress.nonFinite;
  return { ...progress, nonFinite: { total: total + 1, inRow: inRow + 1 }, elapsedSeconds };
}
