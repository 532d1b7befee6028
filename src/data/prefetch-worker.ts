import { workerData } from 'node:worker_threads';
import { BatchSource } from './batches.js';
import { PackedCorpus } from './packed.js';
import type { FailureMessage, WorkerMessage, WorkerTask } from './prefetch-protocol.js';

/*
 * Worker thread of `BatchPrefetcher`. It plans epochs and makes one batch per request, so the number of pending
 * requests bounds the prefetch depth. It exits when the port is closed.
 */
const { buffer, options, position, port } = workerData as WorkerTask;

function send(message: WorkerMessage, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function sendBatch(source: BatchSource): void {
  const { batch, sourceTime, targetTime, source: ids } = source.next();
  const memory = ids.buffer as ArrayBuffer;
  const after = source.position;
  send(
    {
      type: 'batch',
      buffer: memory,
      batch,
      sourceTime,
      targetTime,
      position: after,
      batchesInEpoch: source.batchesInEpoch(after.epoch),
    },
    [memory],
  );
}

function reportFailure(work: () => void): void {
  try {
    work();
  } catch (error) {
    const { message, stack } = error as Error;
    const { code, hint } = error as Partial<FailureMessage>;
    send({ type: 'failure', message, stack, code, hint });
    port.close();
  }
}

reportFailure(() => {
  const source = new BatchSource(new PackedCorpus(buffer), options);
  const first = { statistics: source.statistics(0), shapes: source.largestShapes(0) };
  source.seek(position);
  send({ type: 'ready', ...first, batchesInEpoch: source.batchesInEpoch(position.epoch) });
  port.on('message', () => reportFailure(() => sendBatch(source)));
});
