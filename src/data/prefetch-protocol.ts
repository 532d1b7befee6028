import type { MessagePort } from 'node:worker_threads';
import type { BatchPosition } from './batch.js';
import type { BatchOptions, PlannedShape, PlanStatistics } from './plan.js';

/** What the worker thread is given when it starts. */
export interface WorkerTask {
  /** Memory of the `PackedCorpus`, shared. */
  readonly buffer: SharedArrayBuffer;
  readonly options: BatchOptions;
  readonly position: BatchPosition;
  /** The worker makes one batch for every message (`BatchRequest`) that arrives here. */
  readonly port: MessagePort;
}

/** Asks for one more batch. */
export type BatchRequest = 'next';

/** The worker's first message: what it has planned. */
export interface ReadyMessage {
  readonly type: 'ready';
  /** Of the first epoch. */
  readonly statistics: PlanStatistics;
  /** Of the first epoch, see `largestShapes`. */
  readonly shapes: readonly PlannedShape[];
  /** Batches in the epoch of the start position. */
  readonly batchesInEpoch: number;
}

/** One batch, as the memory behind it (see `emptyBatch`) and its shape. */
export interface BatchMessage {
  readonly type: 'batch';
  readonly buffer: ArrayBuffer;
  readonly batch: number;
  readonly sourceTime: number;
  readonly targetTime: number;
  /** Position of the stream after this batch. */
  readonly position: BatchPosition;
  /** Batches in the epoch of that position. */
  readonly batchesInEpoch: number;
}

/** The worker's last message when it fails. */
export interface FailureMessage {
  readonly type: 'failure';
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | undefined;
  readonly hint: string | undefined;
}

export type WorkerMessage = ReadyMessage | BatchMessage | FailureMessage;
