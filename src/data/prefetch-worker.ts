import { workerData } from 'node:worker_threads';
import { BatchSource } from './batches.js';
import { PackedCorpus } from './packed.js';
import type { FailureMessage, WorkerMessage, WorkerTask } from './prefetch-protocol.js';

/*
 * The worker thread of `BatchPrefetcher`. It plans epochs and makes one batch for every request, so the number of open
 * requests limits how far ahead it works. It ends when the port is closed.
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

function orFail(work: () => void): void {
  try {
    work();
  } catch (error) {
    const { message, stack } = error as Error;
    const { code, hint } = error as Partial<FailureMessage>;
    send({ type: 'failure', message, stack, code, hint });
    port.close();
  }
}

orFail(() => {
  const source = new BatchSource(new PackedCorpus(buffer), options);
  const first = { statistics: source.statistics(0), shapes: source.largestShapes(0) };
  source.seek(position);
  send({ type: 'ready', ...first, batchesInEpoch: source.batchesInEpoch(position.epoch) });
  port.on('message', () => orFail(() => sendBatch(source)));
});
