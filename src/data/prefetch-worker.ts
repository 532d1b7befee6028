import { workerData } from 'node:worker_threads';
import { BatchSource } from './batches.js';
import { PackedCorpus } from './packed.js';
import { CONSUMED, PRODUCED, STOP, type BatchMessage, type FailureMessage, type WorkerTask } from './prefetch-protocol.js';

/*
 * The other thread of `BatchPrefetcher`: makes batches until it is stopped, never more than `depth` ahead. It sleeps
 * on a shared counter and so has no event loop to speak of.
 */
const { buffer, options, position, depth, control, port } = workerData as WorkerTask;

function send(message: BatchMessage | FailureMessage, transfer: ArrayBuffer[]): void {
  port.postMessage(message, transfer);
  Atomics.add(control, PRODUCED, 1);
  Atomics.notify(control, PRODUCED);
}

function run(): void {
  const source = new BatchSource(new PackedCorpus(buffer), options);
  source.seek(position);
  while (Atomics.load(control, STOP) === 0) {
    const consumed = Atomics.load(control, CONSUMED);
    if (Atomics.load(control, PRODUCED) - consumed >= depth) {
      Atomics.wait(control, CONSUMED, consumed);
      continue;
    }
    const { batch, sourceTime, targetTime, source: ids } = source.next();
    const memory = ids.buffer as ArrayBuffer;
    const after = source.position;
    send({ type: 'batch', buffer: memory, batch, sourceTime, targetTime, position: after, batchesInEpoch: source.batchesInEpoch(after.epoch) }, [memory]);
  }
}

try {
  run();
} catch (error) {
  const { message, stack } = error as Error;
  const { code, hint } = error as { code?: string; hint?: string };
  send({ type: 'failure', message, stack, code, hint }, []);
} finally {
  port.close();
}
