import { rank, readIndex, type CheckpointIndex, type Retention } from '../checkpoint/checkpoint-index.js';
import { loadOptimizer, saveCheckpoint, scoreCheckpoint, type Checkpoint } from '../checkpoint/run-directory.js';
import type { SavedTensors } from '../checkpoint/safetensors.js';
import { CHECKPOINT_VERSION, type CheckpointState } from '../checkpoint/state.js';
import { assertSameShapes } from '../checkpoint/weights.js';
import { saveResolvedConfig } from '../config/save.js';
import type { Config } from '../config/schema.js';
import { S2sError } from '../errors.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { EMPTY_SUMS } from './meter.js';
import { assumedHistory, INITIAL_HISTORY } from './patience.js';
import type { Progress } from './progress.js';
import type { TrainingRun } from './run.js';
import { candidateOf, selectionOf, type BestScore, type DevScores, type ScoreName } from './selection.js';

/**
 * Saves a checkpoint (weights, optimiser moments, progress), then the configuration that a resume compares with.
 *
 * Nothing is saved if a weight or a moment is not finite: updates cannot make it finite again, and the checkpoint would
 * replace one that training can continue from.
 *
 * @returns the step and whether it is now the best checkpoint; undefined if nothing was saved
 */
export async function saveRun(
  run: TrainingRun,
  progress: Progress,
): Promise<{ step: number; best: boolean } | undefined> {
  const weights = await run.model.parameters.values();
  const moments = await run.optimizer.values();
  const isFinite = [...weights.values(), ...moments.values()].every(({ data }) => data.every(Number.isFinite));
  if (!isFinite) return undefined;
  const checkpoint = {
    weights: toSavedTensors(weights),
    optimizer: toSavedTensors(moments),
    state: toState(run, progress),
    scores: scoresOf(progress),
  };
  const index = await saveCheckpoint(run.runDirectory, checkpoint, retentionOf(run));
  saveResolvedConfig(run.config, run.runDirectory);
  return { step: progress.step, best: index.best === progress.step };
}

/**
 * Adds the scores of the latest validation to the checkpoint of the same step, which must be saved already.
 *
 * @returns the step and whether it is now the best checkpoint
 */
export async function recordValidationScores(
  run: TrainingRun,
  progress: Progress,
): Promise<{ step: number; best: boolean }> {
  const { step } = progress;
  const index = await scoreCheckpoint(run.runDirectory, step, scoresOf(progress), retentionOf(run));
  return { step, best: index.best === step };
}

/** Returns the best checkpoint of a run and its score; undefined if no checkpoint has a score. */
export async function bestCheckpoint({
  runDirectory,
  dev,
}: Pick<TrainingRun, 'runDirectory' | 'dev'>): Promise<Omit<BestScore, 'chrf'> | undefined> {
  const best = bestOf(await readIndex(runDirectory), dev.scoring.metric);
  return best && { metric: best.metric, value: best.value, step: best.step };
}

/** Dev scores of the current weights; empty if they were not validated. */
function scoresOf({ step, validated }: Progress): Record<string, number> {
  if (validated?.step !== step) return {};
  return Object.fromEntries(Object.entries(validated.scores).filter(([, value]) => value !== undefined));
}

function bestOf({ checkpoints }: CheckpointIndex, metric: ScoreName): BestScore | undefined {
  // `index.best` may be by another metric, if the metric was changed on resume.
  const best = rank(checkpoints, selectionOf(metric))[0];
  return best && candidateOf(metric, best.scores, best.step);
}

function retentionOf({ config, dev }: Pick<TrainingRun, 'config' | 'dev'>): Retention {
  const { keepLast, keepBest } = config.training.checkpoints;
  return { selection: selectionOf(dev.scoring.metric), keepLast, keepBest };
}

/**
 * Loads the optimiser moments of a checkpoint into the optimiser of a run.
 *
 * @throws S2sError `run-differs` if the checkpoint has the moments of another optimiser; `checkpoint-mismatch` if a
 *   moment is missing or unexpected, or its shape or dtype differs from that of its weight
 */
export async function restoreOptimizer(run: Pick<TrainingRun, 'optimizer'>, checkpoint: Checkpoint): Promise<void> {
  const moments = await loadOptimizer(checkpoint);
  const expected = run.optimizer.shapes();
  if (momentKinds(expected) !== momentKinds(moments)) {
    throw new S2sError('run-differs', 'this run was trained with another optimiser, whose moments cannot be used', {
      place: { file: checkpoint.directory, key: 'training.optimizer' },
      hint: 'Resume with the same training.optimizer, or start a new training run in another --run-dir.',
      exitCode: 2,
    });
  }
  assertSameShapes(expected, moments, checkpoint.directory, 'optimiser');
  for (const [name, tensor] of moments) run.optimizer.assign(name, tensor.data as Float32Array);
}

/** The kinds of moments, from names such as `firstMoment.output.bias`. */
function momentKinds(moments: ReadonlyMap<string, unknown>): string {
  const kinds = new Set([...moments.keys()].map((name) => name.split('.', 1)[0]));
  return [...kinds].sort().join();
}

/**
 * Returns the progress of a checkpoint, with its scores from the index. If the metric that selects checkpoints has
 * changed, the best score is that of the best checkpoint by the new metric, and patience is reset.
 *
 * @param metric the score that selects checkpoints
 */
export async function restoreProgress(
  { runDirectory }: Pick<Config, 'runDirectory'>,
  state: CheckpointState,
  metric: ScoreName,
): Promise<Progress> {
  const index = await readIndex(runDirectory);
  const { loss, bleu, chrf } = index.checkpoints.find(({ step }) => step === state.step)?.scores ?? {};
  const scores: DevScores = { loss, bleu, chrf };
  const sameMetric = state.best === null || state.best.metric === metric;
  const best = sameMetric ? (state.best ?? undefined) : bestOf(index, metric);
  const losses = index.checkpoints.flatMap(({ scores: { loss: known } }) => known ?? []);
  // Without a validation there is no history to assume.
  const older = state.best === null ? INITIAL_HISTORY : assumedHistory(metric, best?.value, losses);
  return {
    step: state.step,
    best,
    validated: scores[metric] === undefined ? undefined : { scores, step: state.step },
    waited: sameMetric ? state.patience : 0,
    history: (sameMetric ? state.history : undefined) ?? older,
    plateau: state.plateau,
    nonFinite: state.nonFinite,
    lossScale: state.lossScale,
    unreported: state.unreported ?? EMPTY_SUMS,
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
    history: progress.history,
    plateau: { ...progress.plateau },
    nonFinite: progress.nonFinite,
    lossScale: progress.lossScale,
    unreported: progress.unreported,
    elapsedSeconds: progress.elapsedSeconds,
    validationSeconds: progress.validationSeconds,
    tokenizers: tokenizerIdentities(run.tokenizers),
    model: run.config.model,
  };
}

export function tokenizerIdentities({ source, target }: TokenizerPair): CheckpointState['tokenizers'] {
  return {
    source: { fingerprint: source.fingerprint, vocabularySize: source.vocabularySize },
    target: { fingerprint: target.fingerprint, vocabularySize: target.vocabularySize },
  };
}

function toSavedTensors(values: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>): SavedTensors {
  return new Map([...values].map(([name, { shape, data }]) => [name, { dtype: 'F32' as const, shape, data }]));
}
