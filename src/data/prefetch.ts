import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { S2sError } from '../errors.js';
import type { Batch, BatchPosition, BatchShape } from './batch.js';
import { allocateBatch, largestBatch, type BatchOptions, type BatchStream } from './batches.js';
import type { PackedCorpus } from './packed.js';
import type { PlanStatistics } from './plan-shapes.js';
import type {
  BatchMessage,
  BatchRequest,
  FailureMessage,
  ReadyMessage,
  WorkerMessage,
  WorkerTask,
} from './prefetch-protocol.js';

const START: BatchPosition = { epoch: 0, batch: 0 };
/** Enough batches to keep training busy while the next epoch is planned; their memory is small next to a step's. */
const DEPTH = 16;
const WORKER = new URL('./prefetch-worker.js', import.meta.url);

export interface PrefetchSettings {
  /** Start position. Default: the first batch of the first epoch. */
  readonly position?: BatchPosition;
  /** Number of batches to prefetch, at least 1. */
  readonly depth?: number;
  /** Script of the worker thread. */
  readonly worker?: URL;
  /** Heap limit of the worker thread. Default: that of Node. */
  readonly memoryMegabytes?: number;
}

/**
 * Prefetches the batches of a `BatchSource` on a worker thread.
 *
 * A batch that is ready is returned without a turn of the event loop, which training steps block. Waiting for a batch
 * does not block the event loop and has no timeout, since planning a large corpus takes minutes; it fails only if the
 * worker exits. The worker shares the memory of the corpus, and batches are transferred without copying. A pending
 * prefetch does not keep the process alive.
 */
export class BatchPrefetcher implements BatchStream {
  private readonly worker: Worker;
  private readonly port: MessagePort;
  /** Batches received but not yet returned by `next`. */
  private readonly delivered: BatchMessage[] = [];
  private first: ReadyMessage | undefined;
  private current: { readonly position: BatchPosition; readonly batchesInEpoch: number };
  /** Resolve functions of pending `waitUntil` calls. */
  private waiting: (() => void)[] = [];
  private failure: Error | undefined;
  private closing: Promise<unknown> | undefined;

  /**
   * Starts the worker thread and waits until it has planned the first epoch and that of the start position.
   *
   * @throws S2sError `no-pairs`, `position-outside-epoch` (see `BatchSource`), `batch-worker-failed`
   */
  static async open(
    corpus: PackedCorpus,
    options: BatchOptions,
    settings: PrefetchSettings = {},
  ): Promise<BatchPrefetcher> {
    const prefetcher = new BatchPrefetcher(corpus, options, settings);
    try {
      await prefetcher.waitUntil(() => prefetcher.first !== undefined);
      return prefetcher;
    } catch (error) {
      await prefetcher.close();
      throw error;
    }
  }

  private constructor(
    private readonly corpus: PackedCorpus,
    options: BatchOptions,
    { position = START, depth = DEPTH, worker = WORKER, memoryMegabytes }: PrefetchSettings,
  ) {
    this.current = { position, batchesInEpoch: 0 };
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const task: WorkerTask = { buffer: corpus.buffer, options, position, port: port2 };
    // An empty execArgv, since flags of this process, such as --input-type or --test, must not reach the worker.
    const resourceLimits = memoryMegabytes === undefined ? {} : { maxOldGenerationSizeMb: memoryMegabytes };
    this.worker = new Worker(worker, {
      workerData: task,
      transferList: [port2],
      execArgv: [],
      name: 's2s-batches',
      resourceLimits,
    });
    this.worker.on('error', (error) => this.fail(workerError(error as Error)));
    this.worker.on('exit', (code) => {
      // Messages sent before the exit, such as its cause, may still be queued.
      this.drain();
      this.fail(new S2sError('batch-worker-failed', `the batch worker thread exited with code ${code}`));
    });
    this.port.on('message', (message: WorkerMessage) => this.receive(message));
    this.keepAlive(false);
    for (let request = 0; request < depth; request++) this.request();
  }

  get position(): BatchPosition {
    return this.current.position;
  }

  get statistics(): PlanStatistics {
    return this.first!.statistics;
  }

  async ready(signal?: AbortSignal): Promise<boolean> {
    return this.waitUntil(() => this.hasBatch(), signal);
  }

  /** @throws S2sError `batches-closed`, `batch-worker-failed`, or the error reported by the worker */
  async next(): Promise<Batch> {
    await this.waitUntil(() => this.hasBatch());
    const { batch, sourceTime, targetTime, buffer, position, batchesInEpoch } = this.delivered.shift()!;
    this.current = { position, batchesInEpoch };
    this.request();
    return allocateBatch(batch, sourceTime, targetTime, buffer);
  }

  batchesInEpoch(epoch: number): number {
    if (epoch === this.position.epoch) return this.current.batchesInEpoch;
    if (epoch === 0) return this.statistics.batches;
    throw new RangeError(`The number of batches of epoch ${epoch} is not known in epoch ${this.position.epoch}.`);
  }

  largestBatch(memory: (shape: BatchShape) => number): Batch {
    return largestBatch(this.corpus, this.first!.shapes, memory);
  }

  /** Terminates the worker thread and waits for it to exit. Idempotent. */
  async close(): Promise<void> {
    this.closing ??= this.worker.terminate();
    this.fail(closedError());
    this.port.close();
    await this.closing;
  }

  private request(): void {
    const request: BatchRequest = 'next';
    this.port.postMessage(request);
  }

  private hasBatch(): boolean {
    if (this.delivered.length === 0) this.drain();
    return this.delivered.length > 0;
  }

  /** Receives all queued messages synchronously. */
  private drain(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.port) as { message: WorkerMessage } | undefined;
      if (received === undefined) return;
      this.receive(received.message);
    }
  }

  private receive(message: WorkerMessage): void {
    if (message.type === 'failure') {
      this.fail(reportedError(message));
      return;
    }
    if (message.type === 'ready') {
      this.first = message;
      this.current = { position: this.position, batchesInEpoch: message.batchesInEpoch };
    } else {
      this.delivered.push(message);
    }
    this.wake();
  }

  /** Keeps the first failure, since later ones are consequences of it. */
  private fail(error: Error): void {
    this.failure ??= error;
    this.wake();
  }

  private wake(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const resolve of woken) resolve();
  }

  /** Waits until a condition holds. Returns false if the signal aborts first. */
  private async waitUntil(holds: () => boolean, signal?: AbortSignal): Promise<boolean> {
    if (this.closing !== undefined) throw closedError();
    if (holds()) return true;
    const onAbort = (): void => this.wake();
    signal?.addEventListener('abort', onAbort);
    this.keepAlive(true);
    try {
      for (;;) {
        if (holds()) return true;
        if (this.failure !== undefined) throw this.failure;
        if (signal?.aborted) return false;
        await new Promise<void>((resolve) => this.waiting.push(resolve));
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      if (this.waiting.length === 0 && this.closing === undefined) this.keepAlive(false);
    }
  }

  /** Sets whether the worker and its port keep the process alive. */
  private keepAlive(alive: boolean): void {
    for (const handle of [this.worker, this.port]) {
      if (alive) handle.ref();
      else handle.unref();
    }
  }
}

function closedError(): S2sError {
  return new S2sError('batches-closed', 'a batch was requested from a closed stream');
}

/** The error for a worker that died without reporting a failure. */
function workerError(error: Error): S2sError {
  const { code } = error as NodeJS.ErrnoException;
  const hint =
    code === 'ERR_WORKER_OUT_OF_MEMORY'
      ? 'Run with a larger heap: NODE_OPTIONS=--max-old-space-size=8192 (megabytes).'
      : undefined;
  return new S2sError('batch-worker-failed', `the batch worker thread failed: ${error.message}`, {
    hint,
    cause: error,
  });
}

/** The error that the worker reported. */
function reportedError({ code, message, hint, stack }: FailureMessage): S2sError {
  if (code !== undefined) return new S2sError(code, message, { hint });
  return new S2sError('batch-worker-failed', `the batch worker thread failed: ${message}`, { cause: stack });
}
