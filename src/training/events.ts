import type { BatchOrigin } from '../data/batch-origin.js';
import type { StopReason } from './limits.js';
import type { NotFinite } from './update.js';
import type { Validation } from './validate.js';

/** Once, before the first update. */
export interface StartEvent {
  readonly type: 'start';
  readonly runDirectory: string;
  /** Updates already made, more than 0 after a resume. */
  readonly step: number;
  readonly parameters: number;
  readonly trainPairs: number;
  readonly devPairs: number;
  readonly stepsPerEpoch: number;
  /** Share of padded positions in the first epoch, 0 to 1. */
  readonly paddingShare: number;
}

/** After the largest batch was run once and one batch decoded, before the first update. */
export interface RehearsalEvent {
  readonly type: 'rehearsal';
  readonly sentences: number;
  readonly sourceTime: number;
  readonly targetTime: number;
  readonly seconds: number;
}

/** After each update; sums over all updates since the last row that was reported. */
export interface UpdateEvent {
  readonly type: 'update';
  readonly step: number;
  /** Passes begun, from 1. */
  readonly epoch: number;
  /** True every `training.logEvery` updates: the sums below start anew after it. */
  readonly report: boolean;
  /** Mean smoothed loss, as minimised. */
  readonly loss: number;
  /** Exponential of the mean cross-entropy of a target token, without smoothing. */
  readonly perplexity: number;
  readonly learningRate: number;
  /** Of the latest update, before clipping. */
  readonly gradientNorm: number;
  readonly sourceTokensPerSecond: number;
  readonly targetTokensPerSecond: number;
  readonly paddingTokensPerSecond: number;
  /** Training time of the whole run, earlier sessions included. */
  readonly elapsedSeconds: number;
  /** Estimate until the first limit; undefined without limits. */
  readonly remainingSeconds: number | undefined;
  /** 0 to 1 of the whole training; undefined without limits. */
  readonly share: number | undefined;
  readonly residentBytes: number;
}

/** An update whose loss, perplexity or gradient was not finite: the weights stayed as they were. */
export interface SkippedEvent {
  readonly type: 'skipped';
  readonly step: number;
  readonly inRow: number;
  readonly total: number;
  readonly epoch: number;
  /** The last batch of the update within the epoch, from 1. */
  readonly batch: number;
  readonly notFinite: NotFinite;
  /** The first batch whose loss or perplexity was not finite; all batches of the update when only the gradient was not. */
  readonly batches: readonly BatchOrigin[];
}

/** In float16, a batch whose gradient became infinite: the weights stayed as they were, and the factor of the loss was halved. */
export interface RescaledEvent {
  readonly type: 'rescaled';
  readonly step: number;
  /** What the loss is multiplied by from now on. */
  readonly lossFactor: number;
}

export interface ValidationEvent extends Validation {
  readonly type: 'validation';
  readonly step: number;
  readonly epoch: number;
  /** Whether the watched score is the best so far; never when the model has diverged. */
  readonly improved: boolean;
  /** What this validation took. */
  readonly seconds: number;
  /** Share of all validations up to this one in the training time of the whole run, 0 to 1. */
  readonly timeShare: number;
  readonly elapsedSeconds: number;
}

/** A checkpoint was saved; or one saved before became the best, by a validation of the same weights that came after. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly step: number;
  readonly best: boolean;
}

/** The last event: the training has ended, and what it can go on from is saved. */
export interface StoppedEvent {
  readonly type: 'stopped';
  readonly reason: StopReason;
  readonly step: number;
  readonly epoch: number;
  /** Step of the last checkpoint, from which a resume goes on: `step`, unless the weights have diverged; undefined when there is none. */
  readonly savedStep: number | undefined;
  /** The best checkpoint; undefined as long as none has a dev score. */
  readonly best: { readonly metric: string; readonly value: number; readonly step: number } | undefined;
  readonly skipped: number;
  readonly elapsedSeconds: number;
}

export type TrainingEvent =
  | StartEvent
  | RehearsalEvent
  | UpdateEvent
  | SkippedEvent
  | RescaledEvent
  | ValidationEvent
  | CheckpointEvent
  | StoppedEvent;
