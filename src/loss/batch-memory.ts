import { formatShape, longestRow } from '../data/batch-origin.js';
import type { Batch } from '../data/batch.js';
import { explainOutOfMemory, type Task } from '../runtime/out-of-memory.js';

/**
 * Computes something with a batch, naming it when memory runs out.
 *
 * @param task whose `placeOf` takes the index of a pair in the corpus of the batch
 * @throws S2sError `out-of-memory`
 */
export function withBatchInMemory<Result>(batch: Batch, task: Task, compute: () => Result): Result {
  const shape = { sentences: batch.batch, sourceTime: batch.sourceTime, targetTime: batch.targetTime };
  try {
    return compute();
  } catch (error) {
    throw explainOutOfMemory(error, () => ({ task, batch: formatShape(shape), longest: { index: batch.indices[longestRow(batch)]! } }));
  }
}
