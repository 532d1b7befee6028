import type { BatchOrigin } from '../data/batch-origin.js';
import type { StopReason } from './limits.js';
import type { NonFiniteValue } from './update.js';
import type { Validation } from './validate.js';

/** Emitted once, before the dry run. */
export interface StartEvent {
  readonly type: 'start';
  readonly runDirectory: string;
  /** Updates made so far; more than 0 after a resume. */
  readonly step: number;
  readonly parameters: number;
  readonly trainPairs: number;
  readonly devPairs: number;
  readonly stepsPerEpoch: number;
  /** Proportion of padding in the batches of the first epoch, 0 to 1. */
  readonly paddingShare: number;
}

/** Emitted once, after the dry run and before the first update. Shape and duration of the largest training batch. */
export interface DryRunEvent {
  readonly type: 'dry-run';
  readonly sentences: number;
  readonly sourceTime: number;
  readonly targetTime: number;
  readonly seconds: number;
}

/** Emitted after each update. Averages are over the updates since the last event with `report`. */
export interface UpdateEvent {
  readonly type: 'update';
  readonly step: number;
  /** Number of the current epoch, from 1. */
  readonly epoch: number;
  /** True every `training.logEvery` updates; the averages are reset afterwards. */
  readonly report: boolean;
  /** Mean training loss, with label smoothing. */
  readonly loss: number;
  /** Exponential of the mean cross-entropy of a target token, without label smoothing. */
  readonly perplexity: number;
  readonly learningRate: number;
  /** Global norm of the gradients of the latest update, before clipping. */
  readonly gradientNorm: number;
  readonly sourceTokensPerSecond: number;
  readonly targetTokensPerSecond: number;
  readonly paddingTokensPerSecond: number;
  /** Training time of the run, including earlier sessions. */
  readonly elapsedSeconds: number;
  /** Estimated time until the first limit is reached; undefined without limits. */
  readonly remainingSeconds: number | undefined;
  /** Progress towards the first limit, 0 to 1; undefined without limits. */
  readonly share: number | undefined;
  readonly residentBytes: number;
}

/** Emitted instead of `update` if loss, perplexity or gradient was not finite: the weights did not change. */
export interface SkippedEvent {
  readonly type: 'skipped';
  readonly step: number;
  /** Consecutive skipped updates, this one included. */
  readonly inRow: number;
  /** Skipped updates of the whole run. */
  readonly total: number;
  readonly epoch: number;
  /** Number of the last batch of the update within the epoch, from 1. */
  readonly batch: number;
  readonly notFinite: NonFiniteValue;
  /** The first batch with a non-finite loss or perplexity; all batches if only the gradient was not finite. */
  readonly batches: readonly BatchOrigin[];
}

/** Emitted instead of `update` on a float16 overflow: the weights did not change, the loss scale was halved. */
export interface RescaledEvent {
  readonly type: 'rescaled';
  readonly step: number;
  /** The new loss scale. */
  readonly lossFactor: number;
}

export interface ValidationEvent extends Validation {
  readonly type: 'validation';
  readonly step: number;
  readonly epoch: number;
  /** Whether the score that selects checkpoints is better than all before; false if the model has diverged. */
  readonly improved: boolean;
  /** Duration of this validation. */
  readonly seconds: number;
  /** Proportion of the training time of the run spent in validations, 0 to 1. */
  readonly timeShare: number;
  readonly elapsedSeconds: number;
}

/** Emitted after a checkpoint was saved, or after a later validation of its weights made it the best. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly step: number;
  readonly best: boolean;
}

/** The last event, emitted after the last checkpoint is saved. */
export interface StoppedEvent {
  readonly type: 'stopped';
  readonly reason: StopReason;
  readonly step: number;
  readonly epoch: number;
  /** Step of the last checkpoint: `step` unless the weights have diverged; undefined without a checkpoint. */
  readonly savedStep: number | undefined;
  /** The best checkpoint; undefined if none has a dev score. */
  readonly best: { readonly metric: string; readonly value: number; readonly step: number } | undefined;
  /** Skipped updates of the whole run. */
  readonly skipped: number;
  readonly elapsedSeconds: number;
}

export type TrainingEvent =
  | StartEvent
  | DryRunEvent
  | UpdateEvent
  | SkippedEvent
  | RescaledEvent
  | ValidationEvent
  | CheckpointEvent
  | StoppedEvent;
