import type { Scalar, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tensorflow.js';
import { batchMatMul } from './matmul.js';

/** Added to the score of a padded position, so that its weight is exactly 0 after the softmax. */
const MASKED_SCORE = -1e9;

/**
 * Attention of every query over the memory of its sentence: softmax over the real source positions, then the weighted
 * mean of the values (Luong et al. 2015, section 3.1).
 *
 * @param scores `[batch, queries, srcTime]` before masking
 * @param values `[batch, srcTime, hidden]`
 * @param mask float32 `[batch, srcTime]`, 1 at real tokens
 * @returns context `[batch, queries, hidden]` and weights `[batch, queries, srcTime]`, which sum to 1 over real tokens
 */
export function attend(scores: Tensor3D, values: Tensor3D, mask: Tensor2D): { context: Tensor3D; weights: Tensor3D } {
  const masked = tf.add(scores, tf.expandDims(tf.mul(tf.sub(1, mask), MASKED_SCORE), 1));
  const weights = tf.softmax(masked) as Tensor3D;
  return { context: batchMatMul(weights, values), weights };
}

/** Dot-product scores: `query . key`. `[batch, queries, size]` and `[batch, srcTime, size]` to `[batch, queries, srcTime]`. */
export function dotScores(queries: Tensor3D, keys: Tensor3D, scale?: Scalar): Tensor3D {
  const scores = batchMatMul(queries, keys, { transposeB: true });
  return scale === undefined ? scores : tf.mul(scores, scale);
}

/**
 * Additive scores: `v . tanh(query + key)`, both already projected (Bahdanau et al. 2015, appendix A.1.2; the concat
 * score of Luong et al. 2015). `[batch, queries, size]` and `[batch, srcTime, size]` to `[batch, queries, srcTime]`.
 */
export function additiveScores(queries: Tensor3D, keys: Tensor3D, scoreVector: Tensor1D): Tensor3D {
  const [batch, queryCount, size] = queries.shape;
  const sourceTime = keys.shape[1];
  const sums = tf.tanh(tf.add(tf.expandDims(queries, 2), tf.expandDims(keys, 1)));
  const flat = tf.reshape(sums, [batch * queryCount * sourceTime, size]);
  return tf.reshape(tf.matMul(flat, tf.expandDims(scoreVector, 1) as Tensor2D), [batch, queryCount, sourceTime]);
}
