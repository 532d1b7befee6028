import { formatShape, longestRow } from '../data/batch-origin.js';
import { shapeOf, type Batch, type BatchShape } from '../data/batch.js';
import { explainOutOfMemory, type Task } from '../runtime/out-of-memory.js';

/**
 * Calls `compute`; if memory runs out, throws an error that describes the batch.
 *
 * @param task its `placeOf` maps the index of a pair in the corpus to file and line
 * @param memory estimated bytes for a batch of a given shape, if known
 * @throws S2sError `out-of-memory`
 */
export function reportingOutOfMemory<Result>(
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

/** Returns the error to throw: `out-of-memory` with a description of the batch if memory ran out, else `error`. */
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

/** `350 MB` or `2.4 GB`, decimal units. */
function formatBytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
