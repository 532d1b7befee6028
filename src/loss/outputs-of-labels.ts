import type { Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { BatchTensors } from '../model/batch-tensors.js';
import { selectRows } from '../runtime/ops/embedding.js';

/**
 * The decoder outputs that belong to the labels of a batch, in the order of the labels; outputs at padding are left out.
 *
 * @param outputs `[batch * tgtTime, hidden]`
 * @returns `[positions, hidden]`, one row for each of `batch.labels`; `outputs` itself where nothing is left out
 */
export function outputsOfLabels(outputs: Tensor2D, { positions }: Pick<BatchTensors, 'positions'>): Tensor2D {
  return positions === undefined ? outputs : selectRows(outputs, positions);
}
