import {
  rank,
  readIndex,
  type CheckpointIndex,
  type Retention,
  type Selection,
} from '../checkpoint/checkpoint-index.js';
import {
  assertSameShapes,
  loadOptimizer,
  saveCheckpoint,
  scoreCheckpoint,
  type Checkpoint,
} from '../checkpoint/run-directory.js';
import type { SavedTensors } from '../checkpoint/safetensors.js';
import { CHECKPOINT_VERSION, type CheckpointState } from '../checkpoint/state.js';
import { saveResolvedConfig } from '../config/save.js';
import type { Config, TrainingConfig } from '../config/schema.js';
import { S2sError } from '../errors.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { NO_UPDATES } from './meter.js';
import { direction, type BestScore, type DevScores, type Progress } from './progress.js';
import type { TrainingRun } from './run.js';

/**
 * Saves weights, optimiser moments and progress as a checkpoint of the run, then the configuration, which from here on
 * is the one that a resume compares with.
 *
 * Weights and moments that are not finite are not saved: the checkpoint would replace one from which training can go
 * on, and no later update makes them finite again.
 *
 * @returns the step, and whether it is the best checkpoint now; undefined when nothing was saved
 */
export async function saveRun(
  run: TrainingRun,
  progress: Progress,
): Promise<{ step: number; best: boolean } | undefined> {
  const weights = await run.model.parameters.values();
  const moments = await run.optimizer.values();
  const isFinite = [...weights.values(), ...moments.values()].every(({ data }) => data.every(Number.isFinite));
  if (!isFinite) return undefined;
  const { training } = run.config;
  const checkpoint = {
    weights: asStored(weights),
    optimizer: asStored(moments),
    state: toState(run, progress),
    scores: scoresOf(progress),
  };
  const index = await saveCheckpoint(run.runDirectory, checkpoint, retentionOf(training));
  saveResolvedConfig(run.config, run.runDirectory);
  return { step: progress.step, best: index.best === progress.step };
}

/**
 * Enters the scores of the latest validation for a step that is already saved.
 *
 * @returns the step, and whether it is the best checkpoint now
 */
export async function scoreRun(
  { runDirectory, config }: TrainingRun,
  progress: Progress,
): Promise<{ step: number; best: boolean }> {
  const { step } = progress;
  const index = await scoreCheckpoint(runDirectory, step, scoresOf(progress), retentionOf(config.training));
  return { step, best: index.best === step };
}

/** The best checkpoint of a run and its score; undefined as long as none has one. */
export async function bestSaved({
  runDirectory,
  config,
}: Pick<TrainingRun, 'runDirectory' | 'config'>): Promise<BestScore | undefined> {
  return bestOf(await readIndex(runDirectory), config.training);
}

/** Dev scores of the present weights; none when they were not validated. */
function scoresOf({ step, validated }: Progress): Record<string, number> {
  if (validated?.step !== step) return {};
  return Object.fromEntries(Object.entries(validated.scores).filter(([, value]) => value !== undefined));
}

function bestOf({ checkpoints }: CheckpointIndex, training: TrainingConfig): BestScore | undefined {
  const { metric } = training.earlyStopping;
  // The best in the index may be that of another metric, when the training was resumed with this one.
  const best = rank(checkpoints, selectionOf(training))[0];
  const value = best?.scores[metric];
  return best === undefined || value === undefined ? undefined : { metric, value, step: best.step };
}

function selectionOf({ earlyStopping: { metric } }: TrainingConfig): Selection {
  return { metric, better: direction(metric) };
}

function retentionOf(training: TrainingConfig): Retention {
  const { keepLast, keepBest } = training.checkpoints;
  return { selection: selectionOf(training), keepLast, keepBest };
}

/**
 * Puts the optimiser moments of a checkpoint in place.
 *
 * @throws S2sError `run-differs` when the checkpoint has moments of another optimiser; `checkpoint-mismatch` when a
 *   moment is missing or unknown, or has another shape or dtype than the weight that it belongs to
 */
export async function restoreOptimizer(run: Pick<TrainingRun, 'optimizer'>, checkpoint: Checkpoint): Promise<void> {
  const moments = await loadOptimizer(checkpoint);
  const expected = run.optimizer.shapes();
  if (momentKinds(expected) !== momentKinds(moments)) {
    throw new S2sError('run-differs', 'this run was trained with another optimiser, whose memory this one cannot use', {
      place: { file: checkpoint.directory, key: 'training.optimizer' },
      hint: 'Resume with the training.optimizer it was trained with, or choose another --run-dir.',
      exitCode: 2,
    });
  }
  assertSameShapes(expected, moments, checkpoint.directory, 'optimiser');
  for (const [name, tensor] of moments) run.optimizer.assign(name, tensor.data as Float32Array);
}

/** The kinds of moments that an optimiser keeps, from names such as `firstMoment.output.bias`. */
function momentKinds(moments: ReadonlyMap<string, unknown>): string {
  const kinds = new Set([...moments.keys()].map((name) => name.split('.', 1)[0]));
  return [...kinds].sort().join();
}

/**
 * The progress at which a resumed training starts: that of the checkpoint, with its scores from the index. When the
 * watched metric has changed, the best score is that of the best checkpoint by the new metric, and patience starts again.
 */
export async function restoreProgress(
  { runDirectory, training }: Pick<Config, 'runDirectory' | 'training'>,
  state: CheckpointState,
): Promise<Progress> {
  const { metric } = training.earlyStopping;
  const index = await readIndex(runDirectory);
  const { loss, bleu } = index.checkpoints.find(({ step }) => step === state.step)?.scores ?? {};
  const scores: DevScores = { loss, bleu };
  const sameMetric = state.best === null || state.best.metric === metric;
  return {
    step: state.step,
    best: sameMetric ? (state.best ?? undefined) : bestOf(index, training),
    validated: scores[metric] === undefined ? undefined : { scores, step: state.step },
    waited: sameMetric ? state.patience : 0,
    plateau: state.plateau,
    nonFinite: state.nonFinite,
    lossScale: state.lossScale,
    unreported: state.unreported ?? NO_UPDATES,
    elapsedSeconds: state.elapsedSeconds,
    validationSeconds: state.validationSeconds ?? 0,
  };
}

function toState(run: TrainingRun, progress: Progress): CheckpointState {
  const { position } = run.batches;
  return {
    version: CHECKPOINT_VERSION,
    step: progress.step,
    epoch: position.epoch,
    position: { ...position },
    order: run.order,
    seed: run.config.seed,
    best: progress.best ?? null,
    patience: progress.waited,
    plateau: { ...progress.plateau },
    nonFinite: progress.nonFinite,
    lossScale: progress.lossScale,
    unreported: progress.unreported,
    elapsedSeconds: progress.elapsedSeconds,
    validationSeconds: progress.validationSeconds,
    tokenizers: identities(run.tokenizers),
    model: run.config.model,
  };
}

/** What identifies the tokenizers of a run in its checkpoints. */
export function identities({ source, target }: TokenizerPair): CheckpointState['tokenizers'] {
  return {
    source: { fingerprint: source.fingerprint, vocabularySize: source.vocabularySize },
    target: { fingerprint: target.fingerprint, vocabularySize: target.vocabularySize },
  };
}

function asStored(values: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>): SavedTensors {
  return new Map([...values].map(([name, { shape, data }]) => [name, { dtype: 'F32' as const, shape, data }]));
}
