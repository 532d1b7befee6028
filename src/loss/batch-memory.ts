import { formatShape, longestRow } from '../data/batch-origin.js';
import { shapeOf, type Batch, type BatchShape } from '../data/batch.js';
import { explainOutOfMemory, type Task } from '../runtime/out-of-memory.js';

/**
 * Computes something with a batch, and names the batch when memory runs out.
 *
 * @param task whose `placeOf` takes the index of a pair in the corpus of the batch
 * @param memory estimates the bytes that the task needs for a shape, where an estimate is known
 * @throws S2sError `out-of-memory`
 */
export function withBatchInMemory<Result>(
  batch: Batch,
  task: Task,
  compute: () => Result,
  memory?: (shape: BatchShape) => number,
): Result {
  try {
    return compute();
  } catch (error) {
    throw explainBatchOutOfMemory(error, batch, task, memory);
  }
}

/** The error to throw instead of `error`: where memory ran out, one that names the batch. */
export function explainBatchOutOfMemory(
  error: unknown,
  batch: Batch,
  task: Task,
  memory?: (shape: BatchShape) => number,
): unknown {
  return explainOutOfMemory(error, () => {
    const shape = shapeOf(batch);
    const estimate =
      memory === undefined ? '' : `, for which a training step needs about ${formatBytes(memory(shape))}`;
    return { task, batch: `${formatShape(shape)}${estimate}`, longest: { index: batch.indices[longestRow(batch)]! } };
  });
}

/** `350 MB` or `2.4 GB`, in powers of ten. */
function formatBytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
