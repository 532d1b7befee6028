import type { MessagePort } from 'node:worker_threads';
import type { BatchPosition } from './batch.js';
import type { PlannedShape, PlanStatistics } from './plan-shapes.js';
import type { BatchOptions } from './plan.js';

/** Start-up data of the worker thread. */
export interface WorkerTask {
  /** Shared buffer of the `PackedCorpus`. */
  readonly buffer: SharedArrayBuffer;
  readonly options: BatchOptions;
  readonly position: BatchPosition;
  /** The worker answers every `BatchRequest` on this port with one batch. */
  readonly port: MessagePort;
}

/** Requests one batch. */
export type BatchRequest = 'next';

/** First message of the worker, sent once the first and the current epoch are planned. */
export interface ReadyMessage {
  readonly type: 'ready';
  /** Statistics of the first epoch. */
  readonly statistics: PlanStatistics;
  /** `largestShapes` of the first epoch. */
  readonly shapes: readonly PlannedShape[];
  /** Number of batches in the epoch of the start position. */
  readonly batchesInEpoch: number;
}

/** A batch, as its buffer (see `allocateBatch`) and shape. */
export interface BatchMessage {
  readonly type: 'batch';
  readonly buffer: ArrayBuffer;
  readonly batch: number;
  readonly sourceTime: number;
  readonly targetTime: number;
  /** Position of the stream after this batch. */
  readonly position: BatchPosition;
  /** Number of batches in the epoch of that position. */
  readonly batchesInEpoch: number;
}

/** Last message of a worker that fails. */
export interface FailureMessage {
  readonly type: 'failure';
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | undefined;
  readonly hint: string | undefined;
}

export type WorkerMessage = ReadyMessage | BatchMessage | FailureMessage;
