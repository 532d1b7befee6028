import { readIndex } from '../checkpoint/checkpoint-index.js';
import { loadOptimizer, saveCheckpoint, type Checkpoint } from '../checkpoint/run-directory.js';
import type { SavedTensors } from '../checkpoint/safetensors.js';
import { CHECKPOINT_VERSION, type CheckpointState } from '../checkpoint/state.js';
import { saveResolvedConfig } from '../config/save.js';
import { S2sError } from '../errors.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { NO_UPDATES } from './meter.js';
import { direction, type BestScore, type Progress } from './progress.js';
import type { TrainingRun } from './run.js';

/**
 * Saves weights, optimiser moments and progress as a checkpoint of the run, then the configuration, which from here on
 * is the one that a resume compares with.
 *
 * Weights that are not finite are not saved: they would take the place of those from which training can go on.
 *
 * @returns the step, and whether it is the best checkpoint now; undefined when nothing was saved
 */
export async function saveRun(run: TrainingRun, progress: Progress): Promise<{ step: number; best: boolean } | undefined> {
  const weights = await run.model.parameters.values();
  if (![...weights.values()].every(({ data }) => data.every(Number.isFinite))) return undefined;
  const { training } = run.config;
  const { metric } = training.earlyStopping;
  const scored = progress.validated?.step === progress.step ? { [metric]: progress.validated.value } : {};
  const index = await saveCheckpoint(
    run.runDirectory,
    {
      weights: asStored(weights),
      optimizer: asStored(await run.optimizer.values()),
      state: toState(run, progress),
      scores: scored,
    },
    {
      selection: { metric, better: direction(metric) },
      keepLast: training.checkpoints.keepLast,
      keepBest: training.checkpoints.keepBest,
    },
  );
  saveResolvedConfig(run.config, run.runDirectory);
  return { step: progress.step, best: index.best === progress.step };
}

/** The best checkpoint of a run and its score; undefined as long as none has one. */
export async function bestSaved({ runDirectory, config }: Pick<TrainingRun, 'runDirectory' | 'config'>): Promise<BestScore | undefined> {
  const { metric } = config.training.earlyStopping;
  const { best, checkpoints } = await readIndex(runDirectory);
  const value = checkpoints.find(({ step }) => step === best)?.scores[metric];
  return best === null || value === undefined ? undefined : { metric, value, step: best };
}

/**
 * Puts the optimiser moments of a checkpoint in place.
 *
 * @throws S2sError `run-differs` when the checkpoint has moments of another optimiser
 */
export async function restoreOptimizer(run: Pick<TrainingRun, 'optimizer'>, checkpoint: Checkpoint): Promise<void> {
  const moments = await loadOptimizer(checkpoint);
  const kept = [...run.optimizer.shapes().keys()];
  if (kept.length !== moments.size || !kept.every((name) => moments.has(name))) {
    throw new S2sError('run-differs', 'this run was trained with another optimiser, whose memory this one cannot use', {
      place: { file: checkpoint.directory, key: 'training.optimizer' },
      hint: 'Resume with the training.optimizer it was trained with, or choose another --run-dir.',
      exitCode: 2,
    });
  }
  for (const [name, tensor] of moments) run.optimizer.assign(name, tensor.data as Float32Array);
}

/** The progress that a checkpoint's state describes. */
export function progressOf(state: CheckpointState): Progress {
  return {
    step: state.step,
    best: state.best ?? undefined,
    validated: undefined,
    waited: state.patience,
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
