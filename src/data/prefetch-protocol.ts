import type { MessagePort } from 'node:worker_threads';
import type { BatchPosition } from './batch.js';
import type { BatchOptions } from './plan.js';

/** Places in the shared counters: batches sent, batches taken (raised once more to wake a worker that must stop), stop. */
export const PRODUCED = 0;
export const CONSUMED = 1;
export const STOP = 2;
export const COUNTERS = 3;

/** What the worker thread is given. */
export interface WorkerTask {
  /** Memory of the `PackedCorpus`, shared. */
  readonly buffer: SharedArrayBuffer;
  readonly options: BatchOptions;
  readonly position: BatchPosition;
  /** Batches that may wait to be taken. */
  readonly depth: number;
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly port: MessagePort;
}

/** One batch, as the memory behind it (see `emptyBatch`) and its shape. */
export interface BatchMessage {
  readonly type: 'batch';
  readonly buffer: ArrayBuffer;
  readonly batch: number;
  readonly sourceTime: number;
  readonly targetTime: number;
  /** Position after this batch. */
  readonly position: BatchPosition;
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
