import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';
import { withGradient } from './gradient.js';

/**
 * Embedding lookup: row `ids[i]` of `table` for each i. The gradient is one unsorted segment sum over the positions.
 *
 * @param table `[vocab, embedding]`
 * @param ids int32 `[positions]`
 * @returns `[positions, embedding]`
 */
export function embed(table: Tensor2D, ids: Tensor1D): Tensor2D {
  return withGradient<Tensor2D>(
    [table],
    (save) => {
      save([ids]);
      return tf.gather(table, ids);
    },
    (gradient, [savedIds]) => [tf.unsortedSegmentSum(gradient, savedIds as Tensor1D, table.shape[0])],
  );
}

/**
 * Selects rows of a matrix, such as the positions without padding. The gradient is a scatter, which is fast when few
 * rows are selected repeatedly; otherwise use `embed`.
 *
 * @param matrix `[rows, columns]`
 * @param indices int32 `[selected]`
 * @returns `[selected, columns]`
 */
export function selectRows(matrix: Tensor2D, indices: Tensor1D): Tensor2D {
  return withGradient<Tensor2D>(
    [matrix],
    (save) => {
      save([indices]);
      return tf.gather(matrix, indices);
    },
    (gradient, [savedIndices]) => [tf.scatterND(tf.expandDims(savedIndices!, 1), gradient, matrix.shape)],
  );
}
