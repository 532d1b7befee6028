import { once } from 'node:events';
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { S2sError } from '../errors.js';
import type { Batch, BatchPosition } from './batch.js';
import { BatchSource, emptyBatch, type BatchOptions, type BatchStream, type PlanStatistics } from './batches.js';
import type { PackedCorpus } from './packed.js';
import { CONSUMED, COUNTERS, PRODUCED, STOP, type BatchMessage, type FailureMessage, type WorkerTask } from './prefetch-protocol.js';

const START: BatchPosition = { epoch: 0, batch: 0 };
/** Batches made ahead: enough to outlast the planning of a new epoch, little memory beside a training step. */
const DEPTH = 16;
const SILENCE_LIMIT_MS = 60_000;

/**
 * The batches of a `BatchSource`, made ahead on another thread while this one computes.
 *
 * `next` takes a batch without going through the event loop, which a training step blocks, and waits only where none
 * is ready. The corpus is shared, a batch changes threads without being copied. The thread does not keep the process
 * alive.
 */
export class BatchPrefetcher implements BatchStream {
  private readonly source: BatchSource;
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private readonly control = new Int32Array(new SharedArrayBuffer(4 * COUNTERS));
  private readonly exited: Promise<unknown>;
  private failure: Error | undefined;
  private closed = false;
  private current: { position: BatchPosition; batchesInEpoch?: number };

  /**
   * @param position where to start
   * @throws S2sError `no-pairs`, `position-outside-epoch` (see `BatchSource`)
   */
  constructor(corpus: PackedCorpus, options: BatchOptions, position = START, depth = DEPTH) {
    this.source = new BatchSource(corpus, options);
    this.source.seek(position);
    this.current = { position };
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const task: WorkerTask = { buffer: corpus.buffer, options, position, depth, control: this.control, port: port2 };
    // Flags of this process, such as --input-type or --test, are not meant for the worker.
    this.worker = new Worker(new URL('./prefetch-worker.js', import.meta.url), { workerData: task, transferList: [port2], execArgv: [], name: 's2s-batches' });
    this.worker.on('error', (error) => (this.failure = error as Error));
    this.exited = once(this.worker, 'exit').catch(() => undefined);
    this.worker.unref();
  }

  get position(): BatchPosition {
    return this.current.position;
  }

  /** @throws S2sError `batches-closed`, `batch-worker-failed`, or what the worker met */
  next(): Batch {
    const { buffer, batch, sourceTime, targetTime, position, batchesInEpoch } = this.receive();
    Atomics.add(this.control, CONSUMED, 1);
    Atomics.notify(this.control, CONSUMED);
    this.current = { position, batchesInEpoch };
    return emptyBatch(batch, sourceTime, targetTime, buffer);
  }

  batchesInEpoch(epoch: number): number {
    const { position, batchesInEpoch } = this.current;
    return batchesInEpoch !== undefined && position.epoch === epoch ? batchesInEpoch : this.source.batchesInEpoch(epoch);
  }

  largestBatch(): Batch {
    return this.source.largestBatch();
  }

  /** Tokens and padding of an epoch. */
  statistics(epoch: number): PlanStatistics {
    return this.source.statistics(epoch);
  }

  /** Stops the thread and waits for its end. May be called again. */
  async close(): Promise<void> {
    this.closed = true;
    Atomics.store(this.control, STOP, 1);
    Atomics.add(this.control, CONSUMED, 1);
    Atomics.notify(this.control, CONSUMED);
    this.port.close();
    this.worker.ref();
    await this.exited;
  }

  private receive(): BatchMessage {
    if (this.closed) throw new S2sError('batches-closed', 'a batch was asked of a stream that is closed');
    const started = performance.now();
    for (;;) {
      // Read first: a message counted here is in the queue below.
      const produced = Atomics.load(this.control, PRODUCED);
      const received = receiveMessageOnPort(this.port) as { message: BatchMessage | FailureMessage } | undefined;
      if (received?.message.type === 'batch') return received.message;
      if (received !== undefined) this.failure = fromWorker(received.message as FailureMessage);
      if (this.failure !== undefined) throw this.failure;
      Atomics.wait(this.control, PRODUCED, produced, 1000);
      if (performance.now() - started > SILENCE_LIMIT_MS) {
        this.failure = new S2sError('batch-worker-failed', `the thread that makes batches gave none in ${SILENCE_LIMIT_MS / 1000} seconds`, {
          hint: 'It may have run out of memory.',
        });
      }
    }
  }
}

/** The error that the worker met, as far as it can cross threads. */
function fromWorker({ code, message, hint, stack }: FailureMessage): Error {
  if (code !== undefined) return new S2sError(code, message, { hint });
  return new S2sError('batch-worker-failed', `the thread that makes batches failed: ${message}`, { cause: stack });
}
