import type { Scalar, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { execute } from './execute.js';
import { withGradients } from './gradient.js';
import { batchMatMul } from './matmul.js';

/** Added to the score of a padded position, so that its weight is exactly 0 after the softmax. */
const MASKED_SCORE = -1e9;

/** Contexts and weights of an attention. */
export interface Attended {
  /** `[batch * queries, hidden + size]`: the context of each query, followed by the query */
  readonly joined: Tensor2D;
  /** `[batch, queries, srcTime]`, which sum to 1 over real tokens */
  readonly weights: Tensor3D;
}

/**
 * Attention of every query over the memory of its sentence: softmax over the real source positions, then the weighted
 * mean of the values (Luong et al. 2015, section 3.1).
 *
 * @param queries `[batch, queries, size]`
 * @param scores `[batch, queries, srcTime]` before masking
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
  const masked = tf.add(scores, tf.expandDims(tf.mul(tf.sub(1, mask), MASKED_SCORE), 1));
  const weights = tf.softmax(masked) as Tensor3D;
  const joined = tf.concat([batchMatMul(weights, values, policy), queries], 2);
  return { joined: tf.reshape(joined, [-1, joined.shape[2]]), weights };
}

/**
 * The same with the scores `scale query . key` (Luong et al. 2015, equation 8).
 *
 * @param queries `[batch, queries, size]`
 * @param keys `[batch, srcTime, size]`
 * @param scale 1 when not given
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
 * The same by the custom ops S2sAttention and S2sAttentionGrad (src/runtime/native/attention_op.cc), in float32: sentence by
 * sentence, these products take as long as to round their factors.
 */
function customDotAttention(
  queries: Tensor3D,
  scaled: Tensor3D,
  keys: Tensor3D,
  values: Tensor3D,
  mask: Tensor2D,
): Attended {
  const [joined, weights] = withGradients(
    [queries, scaled, keys, values],
    (save) => {
      const results = execute('S2sAttention', [], [scaled, keys, values, mask, queries], 2);
      save([scaled, keys, values, results[1]!]);
      return results;
    },
    (gradients, saved) => {
      const [ofScaled, ofKeys, ofValues, ofQueries] = execute('S2sAttentionGrad', [], [...saved, ...gradients], 4);
      return [ofQueries!, ofScaled!, ofKeys!, ofValues!];
    },
  );
  return { joined: joined as Tensor2D, weights: weights as Tensor3D };
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
