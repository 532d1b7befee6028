import { workerData } from 'node:worker_threads';
import type { ReadyMessage, WorkerTask } from '../../../src/data/prefetch-protocol.js';

/*
 * A worker that never returns a batch. The seed selects what it does on the first request: 0 blocks forever, 1 exits,
 * 2 throws, 3 runs out of memory.
 */
const { port, options } = workerData as WorkerTask;
const statistics = {
  batches: 5,
  pairs: 5,
  sourceTokens: 5,
  targetTokens: 5,
  sourcePositions: 5,
  targetPositions: 5,
  paddingShare: 0,
};
const ready: ReadyMessage = { type: 'ready', statistics, shapes: [], batchesInEpoch: 5 };
port.postMessage(ready);
port.once('message', () => {
  if (options.seed === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (options.seed === 1) process.exit(3);
  if (options.seed === 2) throw new Error('out of ideas');
  for (const kept: number[][] = []; ;) kept.push(new Array<number>(100_000).fill(kept.length));
});
