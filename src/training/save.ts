import { loadOptimizer, saveCheckpoint, type Checkpoint } from '../checkpoint/run-directory.js';
import type { SavedTensors } from '../checkpoint/safetensors.js';
import { CHECKPOINT_VERSION, type CheckpointState } from '../checkpoint/state.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { direction, type Progress } from './progress.js';
import type { TrainingRun } from './run.js';

/**
 * Saves weights, optimiser moments and progress as a checkpoint of the run.
 *
 * @returns the step, and whether it is the best checkpoint now
 */
export async function saveRun(run: TrainingRun, progress: Progress): Promise<{ step: number; best: boolean }> {
  const { training } = run.config;
  const { metric } = training.earlyStopping;
  const scored = progress.validated?.step === progress.step ? { [metric]: progress.validated.value } : {};
  const index = await saveCheckpoint(
    run.runDirectory,
    {
      weights: asStored(await run.model.parameters.values()),
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
  return { step: progress.step, best: index.best === progress.step };
}

/** Puts the optimiser moments of a checkpoint in place. */
export async function restoreOptimizer(run: Pick<TrainingRun, 'optimizer'>, checkpoint: Checkpoint): Promise<void> {
  for (const [name, tensor] of await loadOptimizer(checkpoint)) run.optimizer.assign(name, tensor.data as Float32Array);
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
    elapsedSeconds: state.elapsedSeconds,
  };
}

function toState(run: TrainingRun, progress: Progress): CheckpointState {
  const { position } = run.batches;
  return {
    version: CHECKPOINT_VERSION,
    step: progress.step,
    epoch: position.epoch,
    position: { ...position },
    seed: run.config.seed,
    best: progress.best ?? null,
    patience: progress.waited,
    plateau: { ...progress.plateau },
    nonFinite: progress.nonFinite,
    elapsedSeconds: progress.elapsedSeconds,
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
