import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { S2sError } from '../errors.js';
import type { Batch, BatchPosition, BatchShape } from './batch.js';
import { emptyBatch, largestBatch, type BatchOptions, type BatchStream } from './batches.js';
import type { PackedCorpus } from './packed.js';
import type { PlanStatistics } from './plan.js';
import type {
  BatchMessage,
  BatchRequest,
  FailureMessage,
  ReadyMessage,
  WorkerMessage,
  WorkerTask,
} from './prefetch-protocol.js';

const START: BatchPosition = { epoch: 0, batch: 0 };
/** Batches made ahead: enough to cover the time that planning an epoch takes, and little memory next to a training step. */
const DEPTH = 16;
const WORKER = new URL('./prefetch-worker.js', import.meta.url);

/** Settings that have a default. */
export interface PrefetchSettings {
  /** Where to start; the first batch of the first epoch by default. */
  readonly position?: BatchPosition;
  /** Batches made ahead, at least 1. */
  readonly depth?: number;
  /** Program of the worker thread. */
  readonly worker?: URL;
  /** Heap limit of the worker thread; that of Node by default. */
  readonly memoryMegabytes?: number;
}

/**
 * The batches of a `BatchSource`, made ahead of time by a worker thread.
 *
 * A batch that is ready is taken at once, without a turn of the event loop, which training steps block. Waiting for one
 * leaves the event loop free for signals and timers, and has no time limit: planning a large corpus takes minutes. Only
 * the end of the worker thread is an error. The thread shares the memory of the corpus, and batches change threads
 * without a copy. A prefetcher that nobody waits for does not keep the process alive.
 */
export class BatchPrefetcher implements BatchStream {
  private readonly worker: Worker;
  private readonly port: MessagePort;
  /** Messages that the event loop delivered before they were asked for. */
  private readonly delivered: BatchMessage[] = [];
  private first: ReadyMessage | undefined;
  private current: { readonly position: BatchPosition; readonly batchesInEpoch: number };
  /** Resolves the promises of those who wait for a message. */
  private waiting: (() => void)[] = [];
  private failure: Error | undefined;
  private closing: Promise<unknown> | undefined;

  /**
   * Starts the worker thread and waits until it has planned the first epoch and the one to start with.
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
      await prefetcher.until(() => prefetcher.first !== undefined);
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
    // Flags of this process, such as --input-type or --test, are not meant for the worker.
    const resourceLimits = memoryMegabytes === undefined ? {} : { maxOldGenerationSizeMb: memoryMegabytes };
    this.worker = new Worker(worker, {
      workerData: task,
      transferList: [port2],
      execArgv: [],
      name: 's2s-batches',
      resourceLimits,
    });
    this.worker.on('error', (error) => this.fail(endedWith(error as Error)));
    this.worker.on('exit', (code) => {
      // What the worker sent before its end, such as the reason for it, may still be in the queue.
      this.drain();
      this.fail(new S2sError('batch-worker-failed', `the thread that makes batches ended with exit code ${code}`));
    });
    this.port.on('message', (message: WorkerMessage) => this.receive(message));
    this.keepAlive(false);
    for (let request = 0; request < depth; request++) this.request();
  }

  get position(): BatchPosition {
    return this.current.position;
  }

  /** Tokens and padding of the first epoch. */
  get statistics(): PlanStatistics {
    return this.first!.statistics;
  }

  async ready(signal?: AbortSignal): Promise<boolean> {
    return this.until(() => this.hasBatch(), signal);
  }

  /** @throws S2sError `batches-closed`, `batch-worker-failed`, or the error of the worker */
  async next(): Promise<Batch> {
    await this.until(() => this.hasBatch());
    const { batch, sourceTime, targetTime, buffer, position, batchesInEpoch } = this.delivered.shift()!;
    this.current = { position, batchesInEpoch };
    this.request();
    return emptyBatch(batch, sourceTime, targetTime, buffer);
  }

  batchesInEpoch(epoch: number): number {
    if (epoch === this.position.epoch) return this.current.batchesInEpoch;
    if (epoch === 0) return this.statistics.batches;
    throw new RangeError(`The number of batches of epoch ${epoch} is not known in epoch ${this.position.epoch}.`);
  }

  largestBatch(memory: (shape: BatchShape) => number): Batch {
    return largestBatch(this.corpus, this.first!.shapes, memory);
  }

  /** Ends the worker thread, whatever it is doing, and waits for its end. Can be called again. */
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

  /** Takes the messages that wait in the queue of the port. */
  private drain(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.port) as { message: WorkerMessage } | undefined;
      if (received === undefined) return;
      this.receive(received.message);
    }
  }

  private receive(message: WorkerMessage): void {
    if (message.type === 'failure') {
      this.fail(fromWorker(message));
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

  /** The first failure counts; later ones follow from it. */
  private fail(error: Error): void {
    this.failure ??= error;
    this.wake();
  }

  private wake(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const resolve of woken) resolve();
  }

  /** Waits until a condition holds; false if the signal aborts first. */
  private async until(holds: () => boolean, signal?: AbortSignal): Promise<boolean> {
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

  /** Whether the thread and its messages keep the process alive. */
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

/** The error that ended the thread without a message from it. */
function endedWith(error: Error): S2sError {
  const { code } = error as NodeJS.ErrnoException;
  const hint =
    code === 'ERR_WORKER_OUT_OF_MEMORY'
      ? 'Start it with more memory: NODE_OPTIONS=--max-old-space-size=8192 (megabytes).'
      : undefined;
  return new S2sError('batch-worker-failed', `the thread that makes batches failed: ${error.message}`, {
    hint,
    cause: error,
  });
}

/** The error that the worker reported. */
function fromWorker({ code, message, hint, stack }: FailureMessage): S2sError {
  if (code !== undefined) return new S2sError(code, message, { hint });
  return new S2sError('batch-worker-failed', `the thread that makes batches failed: ${message}`, { cause: stack });
}
