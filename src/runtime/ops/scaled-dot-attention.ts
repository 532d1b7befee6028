import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { dropout, type DropoutSeeds } from './dropout.js';
import { batchMatMul } from './matmul.js';

/** Added to the score of a hidden key, so that its weight is exactly 0 after the softmax. */
const MASKED_SCORE = -1e9;

/** Options of `scaledDotAttention`. */
export interface ScaledDotAttentionOptions {
  /** Number of heads, each of which has its share of the width. */
  readonly heads: number;
  /** float32 `[batch, keyTime]`: 1 at real keys, of which each row has at least one. By default all keys are real. */
  readonly mask?: Tensor2D | undefined;
  /** Whether query `i` sees only the keys up to `i`. */
  readonly causal?: boolean;
  /** Dropout on the weights; none without seeds. */
  readonly dropout?: { readonly rate: number; readonly seeds: DropoutSeeds | undefined };
  /** Whether to return the weights. */
  readonly weights?: boolean;
}

export interface MultiHeadContext {
  /** `[batch, queryTime, heads * size]` */
  readonly context: Tensor3D;
  /** `[batch, queryTime, keyTime]`, the mean over the heads, before dropout; undefined if not requested. */
  readonly weights: Tensor3D | undefined;
}

/**
 * Scaled dot-product attention with several heads: `softmax(Q Kᵀ / sqrt(size)) V` in each head (Vaswani et al. 2017,
 * equation 1).
 *
 * @param queries `[batch, queryTime, heads * size]`
 * @param keys `[batch, keyTime, heads * size]`
 * @param values `[batch, keyTime, heads * size]`
 */
export function scaledDotAttention(
  queries: Tensor3D,
  keys: Tensor3D,
  values: Tensor3D,
  { heads, mask, causal = false, dropout: dropped, weights: wanted = false }: ScaledDotAttentionOptions,
  policy: ComputePolicy,
): MultiHeadContext {
  const [batch, queryTime, width] = queries.shape;
  const keyTime = keys.shape[1];
  const scaled = tf.mul<Tensor3D>(queries, 1 / Math.sqrt(width / heads));
  const scores = batchMatMul(splitHeads(scaled, heads), splitHeads(keys, heads), policy, { transposeB: true });
  const all = [batch, heads, queryTime, keyTime] as [number, number, number, number];
  const hidden = hiddenScores(mask, causal, queryTime, keyTime);
  const visible = hidden === undefined ? scores : tf.reshape(tf.add(tf.reshape(scores, all), hidden), scores.shape);
  const weights = tf.softmax(visible) as Tensor3D;
  const kept = dropped === undefined ? weights : dropout(weights, dropped.rate, dropped.seeds, policy);
  return {
    context: mergeHeads(batchMatMul(kept, splitHeads(values, heads), policy), heads),
    weights: wanted ? tf.mean<Tensor3D>(tf.reshape(weights, all), 1) : undefined,
  };
}

/** Added to the scores: `MASKED_SCORE` at hidden keys, in a shape that broadcasts to `[batch, heads, queries, keys]`. */
function hiddenScores(
  mask: Tensor2D | undefined,
  causal: boolean,
  queryTime: number,
  keyTime: number,
): Tensor | undefined {
  const padding =
    mask === undefined
      ? undefined
      : tf.reshape(tf.mul(tf.sub(1, mask), MASKED_SCORE), [mask.shape[0], 1, 1, mask.shape[1]]);
  if (!causal || queryTime === 1) return padding;
  const future = new Float32Array(queryTime * keyTime);
  for (let query = 0; query < queryTime; query++)
    future.fill(MASKED_SCORE, query * keyTime + query + 1, (query + 1) * keyTime);
  const ahead = tf.tensor4d(future, [1, 1, queryTime, keyTime]);
  return padding === undefined ? ahead : tf.add(padding, ahead);
}

/** `[batch, time, heads * size]` to `[batch * heads, time, size]`. */
function splitHeads(tensor: Tensor3D, heads: number): Tensor3D {
  const [batch, time, width] = tensor.shape;
  const size = width / heads;
  // With one step, both layouts are the same.
  if (time === 1) return tf.reshape(tensor, [batch * heads, 1, size]);
  const split = tf.reshape(tensor, [batch, time, heads, size]) as Tensor4D;
  return tf.reshape(tf.transpose(split, [0, 2, 1, 3]), [batch * heads, time, size]);
}

/** The inverse of `splitHeads`. */
function mergeHeads(tensor: Tensor3D, heads: number): Tensor3D {
  const [rows, time, size] = tensor.shape;
  const batch = rows / heads;
  if (time === 1) return tf.reshape(tensor, [batch, 1, heads * size]);
  const split = tf.reshape(tensor, [batch, heads, time, size]) as Tensor4D;
  return tf.reshape(tf.transpose(split, [0, 2, 1, 3]), [batch, time, heads * size]);
}
