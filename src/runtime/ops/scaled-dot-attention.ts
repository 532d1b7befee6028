import type { Tensor, Tensor1D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { applyMask, drawMask, maskSeeds, type DropoutOptions } from './dropout.js';
import { attribute, execute, noTensor } from './execute.js';
import { withGradients } from './gradient.js';
import { batchMatMul } from './matmul.js';
import { sequenceMask } from './time-major.js';

/** Added to the score of a key that a query must not see, so that its weight is exactly 0 after the softmax. */
const MASKED_SCORE = -1e9;

/** Options of scaled dot-product attention. */
export interface ScaledDotOptions {
  /** Number of heads; the width is a multiple of it. */
  readonly heads: number;
  /** int32 `[batch]`: number of keys that are not padding, at least 1; all keys by default. */
  readonly lengths?: Tensor1D | undefined;
  /**
   * Whether a query sees only the keys up to its own position. The last query is at the position of the last key, so
   * that queries may continue a prefix whose keys are cached.
   */
  readonly causal?: boolean;
  /** Dropout of the weights. */
  readonly dropout?: DropoutOptions | undefined;
}

/**
 * Queries, keys and values: side by side in one tensor `[batch, time, 3 * width]`; or queries `[batch, queries, width]`
 * and a memory of keys and values `[batch, keys, 2 * width]`; or three tensors. The first two are what one product with
 * all kernels side by side computes.
 */
export type Projections =
  | readonly [all: Tensor3D]
  | readonly [queries: Tensor3D, memory: Tensor3D]
  | readonly [queries: Tensor3D, keys: Tensor3D, values: Tensor3D];

/** Results of scaled dot-product attention. */
export interface ScaledDotAttended {
  /** `[batch, queries, width]`: the heads side by side. */
  readonly attended: Tensor3D;
  /** `[batch, heads, queries, keys]`: weights before dropout; rows sum to 1 over the keys that the query sees. */
  readonly weights: Tensor4D;
}

/**
 * Scaled dot-product attention with several heads (Vaswani et al. 2017, section 3.2), `softmax(q kᵀ / sqrt(size)) v` for
 * each head of `size = width / heads` columns. Several queries of one sentence, such as the hypotheses of a beam, share
 * its keys.
 *
 * @param q `[batch, queries, width]`
 * @param k `[batch, keys, width]`
 * @param v `[batch, keys, width]`
 * @returns `[batch, queries, width]`
 */
export function scaledDotAttention(
  q: Tensor3D,
  k: Tensor3D,
  v: Tensor3D,
  options: ScaledDotOptions,
  policy: ComputePolicy,
): Tensor3D {
  return packedAttention([q, k, v], options, policy);
}

/** `scaledDotAttention` for packed projections. */
export function packedAttention(projections: Projections, options: ScaledDotOptions, policy: ComputePolicy): Tensor3D {
  if (!isCustom(projections, policy)) return plainAttention(projections, options, policy).attended;
  const [attended] = customAttention(projections, options, false);
  return attended as Tensor3D;
}

/** `packedAttention` with its weights. Both results have gradients. */
export function attendWithWeights(
  projections: Projections,
  options: ScaledDotOptions,
  policy: ComputePolicy,
): ScaledDotAttended {
  if (!isCustom(projections, policy)) return plainAttention(projections, options, policy);
  const [attended, weights] = customAttention(projections, options, true);
  return { attended: attended as Tensor3D, weights: weights as Tensor4D };
}

function isCustom([first]: Projections, { kernels }: ComputePolicy): boolean {
  return kernels === 'custom' && first.size > 0;
}

function plainAttention(projections: Projections, options: ScaledDotOptions, policy: ComputePolicy): ScaledDotAttended {
  const { heads, lengths, causal = false } = options;
  const [q, k, v] = unpack(projections);
  const [batch, queries, width] = q.shape;
  const keys = k.shape[1];
  if (causal && queries > keys) throw new RangeError(`Causal attention of ${queries} queries to ${keys} keys.`);
  const size = width / heads;
  const perHead = (tensor: Tensor3D): Tensor3D => {
    const split = tf.transpose(tf.reshape(tensor, [batch, tensor.shape[1], heads, size]), [0, 2, 1, 3]);
    return tf.reshape(split, [batch * heads, tensor.shape[1], size]);
  };
  const scaled = tf.mul<Tensor3D>(perHead(q), 1 / Math.sqrt(size));
  const products = batchMatMul(scaled, perHead(k), policy, { transposeB: true });
  let scores = tf.reshape(products, [batch, heads, queries, keys]) as Tensor;
  if (lengths !== undefined) {
    const penalty = tf.mul(tf.sub(1, sequenceMask(lengths, keys)), MASKED_SCORE);
    scores = tf.add(scores, tf.reshape(penalty, [batch, 1, 1, keys]));
  }
  if (causal && queries > 1) scores = tf.add(scores, futurePenalty(queries, keys));
  const weights = tf.softmax(scores) as Tensor4D;
  const mask = drawMask(options.dropout);
  const dropped = mask === undefined ? weights : applyMask(weights, mask, policy);
  const means = batchMatMul(tf.reshape(dropped, [batch * heads, queries, keys]), perHead(v), policy);
  const merged = tf.transpose(tf.reshape(means, [batch, heads, queries, size]), [0, 2, 1, 3]);
  return { attended: tf.reshape(merged, [batch, queries, width]), weights };
}

/** `[queries, keys]`: the masked score where the key is after the query, 0 elsewhere. */
function futurePenalty(queries: number, keys: number): Tensor {
  const lastVisible = tf.expandDims(tf.range(keys - queries, keys), 1);
  return tf.mul(tf.cast(tf.greater(tf.expandDims(tf.range(0, keys), 0), lastVisible), 'float32'), MASKED_SCORE);
}

function unpack(projections: Projections): [Tensor3D, Tensor3D, Tensor3D] {
  if (projections.length === 3) return [...projections];
  if (projections.length === 1) return tf.split(projections[0], 3, 2) as [Tensor3D, Tensor3D, Tensor3D];
  return [projections[0], ...(tf.split(projections[1], 2, 2) as [Tensor3D, Tensor3D])];
}

/**
 * Attention with the custom ops S2sScaledDotAttention and its gradient (src/runtime/native/scaled_dot_attention_op.cc).
 * Always in float32: rounding the factors of such small products would take as long as the products.
 */
function customAttention(projections: Projections, options: ScaledDotOptions, withWeights: boolean): Tensor[] {
  const mask = drawMask(options.dropout);
  const attributes = [
    attribute.int('N', projections.length),
    attribute.int('heads', options.heads),
    attribute.bool('causal', options.causal ?? false),
    attribute.float('rate', mask?.rate ?? 0),
  ];
  return withGradients(
    projections,
    (save) => {
      const inputs = [...projections, options.lengths ?? noTensor('int32'), maskSeeds(mask)];
      const outputs = execute('S2sScaledDotAttention', attributes, inputs, 2);
      save([...inputs, outputs[1]!]);
      return withWeights ? outputs : outputs.slice(0, 1);
    },
    ([dAttended, dWeights], saved) => {
      const inputs = [...saved, dAttended!, dWeights ?? noTensor('float32')];
      return execute('S2sScaledDotAttentionGrad', attributes, inputs, projections.length);
    },
  );
}
