import type { Scalar, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { execute } from './execute.js';
import { withGradients } from './gradient.js';
import { batchMatMul } from './matmul.js';

/** Added to the score of a padded position, so that its weight is exactly 0 after the softmax. */
const MASKED_SCORE = -1e9;

/** Result of an attention layer. */
export interface Attended {
  /** `[batch * queries, hidden + size]`: the context of each query, concatenated with the query. */
  readonly concatenated: Tensor2D;
  /** `[batch, queries, srcTime]`; rows sum to 1 over real tokens. */
  readonly weights: Tensor3D;
}

/**
 * Attention with given scores: softmax over the real source positions, then the weighted mean of the values (Luong et
 * al. 2015, section 3.1).
 *
 * @param queries `[batch, queries, size]`
 * @param scores `[batch, queries, srcTime]`, not masked
 * @param values `[batch, srcTime, hidden]`
 * @param mask float32 `[batch, srcTime]`, 1 at real tokens
 */
export function attend(
  queries: Tensor3D,
  scores: Tensor3D,
  values: Tensor3D,
  mask: Tensor2D,
  policy: ComputePolicy,
): Attended {
  const { context, weights } = contextOf(scores, values, mask, policy);
  const concatenated = tf.concat([context, queries], 2);
  return { concatenated: tf.reshape(concatenated, [-1, concatenated.shape[2]]), weights };
}

/**
 * `attend` without the queries.
 *
 * @returns context `[batch, queries, hidden]` and weights `[batch, queries, srcTime]`
 */
export function contextOf(
  scores: Tensor3D,
  values: Tensor3D,
  mask: Tensor2D,
  policy: ComputePolicy,
): { context: Tensor3D; weights: Tensor3D } {
  const masked = tf.add(scores, tf.expandDims(tf.mul(tf.sub(1, mask), MASKED_SCORE), 1));
  const weights = tf.softmax(masked) as Tensor3D;
  return { context: batchMatMul(weights, values, policy), weights };
}

/**
 * Attention with the scores `scale query . key` (Luong et al. 2015, equation 8).
 *
 * @param queries `[batch, queries, size]`
 * @param keys `[batch, srcTime, size]`
 * @param values `[batch, srcTime, hidden]`
 * @param mask float32 `[batch, srcTime]`, 1 at real tokens
 * @param scale 1 by default
 */
export function dotAttention(
  queries: Tensor3D,
  keys: Tensor3D,
  values: Tensor3D,
  mask: Tensor2D,
  policy: ComputePolicy,
  scale?: Scalar,
): Attended {
  const scaled = scale === undefined ? queries : tf.mul<Tensor3D>(queries, scale);
  if (policy.kernels === 'custom') return customDotAttention(queries, scaled, keys, values, mask);
  return attend(queries, batchMatMul(scaled, keys, policy, { transposeB: true }), values, mask, policy);
}

/**
 * `dotAttention` with the custom ops S2sAttention and S2sAttentionGrad (src/runtime/native/attention_op.cc). Always in
 * float32: rounding the factors of such small products would take as long as the products.
 */
function customDotAttention(
  queries: Tensor3D,
  scaled: Tensor3D,
  keys: Tensor3D,
  values: Tensor3D,
  mask: Tensor2D,
): Attended {
  const [concatenated, weights] = withGradients(
    [queries, scaled, keys, values],
    (save) => {
      const results = execute('S2sAttention', [], [scaled, keys, values, mask, queries], 2);
      save([scaled, keys, values, results[1]!]);
      return results;
    },
    (gradients, saved) => {
      const [dScaled, dKeys, dValues, dQueries] = execute('S2sAttentionGrad', [], [...saved, ...gradients], 4);
      return [dQueries!, dScaled!, dKeys!, dValues!];
    },
  );
  return { concatenated: concatenated as Tensor2D, weights: weights as Tensor3D };
}

/** The attention of earlier steps in additive scores. */
export interface Coverage {
  /** Sums of the weights of earlier steps, `[batch, queries, srcTime]`. */
  readonly sums: Tensor3D;
  /** `[heads * size]` */
  readonly vector: Tensor1D;
}

/**
 * Additive scores `v . tanh(query + key)` (Bahdanau et al. 2015, appendix A.1.2; the concat score of Luong et al.
 * 2015). With coverage `c`, the argument of tanh has the term `c u` (See et al. 2017, equation 11).
 *
 * @param queries projected, `[batch, queries, size]`; several heads are folded into the batch
 * @param keys projected, `[batch, srcTime, size]`
 * @param scoreVector `[heads * size]`
 * @returns `[batch, queries, srcTime]`
 */
export function additiveScores(
  queries: Tensor3D,
  keys: Tensor3D,
  scoreVector: Tensor1D,
  coverage?: Coverage,
): Tensor3D {
  const [batch, queryCount, size] = queries.shape;
  const sourceTime = keys.shape[1];
  const heads = scoreVector.shape[0] / size;
  const sums = tf.add(tf.expandDims(queries, 2), tf.expandDims(keys, 1));
  const covered =
    coverage === undefined
      ? sums
      : tf.add(
          sums,
          tf.mul(
            tf.expandDims(coverage.sums, 3),
            tf.reshape(perHead(coverage.vector, heads, batch), [batch, 1, 1, size]),
          ),
        );
  const activations = tf.tanh(covered);
  if (heads === 1) {
    const flat = tf.reshape(activations, [batch * queryCount * sourceTime, size]) as Tensor2D;
    return tf.reshape(tf.matMul(flat, tf.expandDims(scoreVector, 1) as Tensor2D), [batch, queryCount, sourceTime]);
  }
  const flat = tf.reshape(activations, [batch, queryCount * sourceTime, size]) as Tensor3D;
  const scores = tf.matMul(flat, tf.reshape(perHead(scoreVector, heads, batch), [batch, size, 1]) as Tensor3D);
  return tf.reshape(scores, [batch, queryCount, sourceTime]);
}

/** `[heads * size]` to `[batch, size]`, where heads are folded into the batch. */
function perHead(vector: Tensor1D, heads: number, batch: number): Tensor2D {
  return tf.tile(tf.reshape(vector, [heads, vector.shape[0] / heads]) as Tensor2D, [batch / heads, 1]);
}
