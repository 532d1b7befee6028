import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';
import { packedProduct, type PackedKernel } from './packed-product.js';

/** The most probable tokens of some rows, best first. */
export interface BestTokens {
  /** `[rows, count]`, natural logarithms */
  readonly logProbabilities: Tensor2D;
  /** int32 `[rows, count]` */
  readonly tokens: Tensor2D;
}

/** Logits of a decoding step, computed when they are asked for: search needs no more than the best of them. */
export interface Logits {
  /** `[rows, vocab]`, before the softmax */
  readonly values: () => Tensor2D;
  /**
   * The `count` most probable tokens of each row with their log-probabilities, which are among all tokens; of equals the
   * one with the lower id comes first. A row with a NaN has NaN for log-probabilities. Without a gradient.
   *
   * @param first ids below this are left out
   */
  readonly best: (count: number, first: number) => BestTokens;
}

/** Logits that are there already, `[rows, vocab]`. */
export function givenLogits(values: Tensor2D): Logits {
  return { values: () => values, best: (count, first) => bestOf(values, count, first) };
}

/**
 * The logits `hidden kernel + bias`.
 *
 * @param hidden `[rows, hidden]`
 * @param kernel packed of `[hidden, vocab]`
 * @param bias `[vocab]`
 */
export function projectedLogits(hidden: Tensor2D, kernel: PackedKernel, bias: Tensor1D): Logits {
  const values = (): Tensor2D => packedProduct(hidden, kernel, { bias });
  return {
    values,
    best: (count, first) =>
      kernel.layout === 'packed' ? customBest(hidden, kernel, bias, count, first) : bestOf(values(), count, first),
  };
}

function bestOf(logits: Tensor2D, count: number, first: number): BestTokens {
  const { values, indices } = tf.topk(tf.slice(logits, [0, first]), count);
  return {
    logProbabilities: tf.sub(values, tf.logSumExp(logits, 1, true)),
    tokens: tf.add(indices, tf.scalar(first, 'int32')),
  };
}

/** By the custom op S2sPackedBestTokens (src/runtime/native/best_tokens_op.cc): products and choice in one, without ever writing the logits to memory. */
function customBest(
  hidden: Tensor2D,
  { tensor, columns, policy }: PackedKernel,
  bias: Tensor1D,
  count: number,
  first: number,
): BestTokens {
  const attributes = [
    attribute.int('columns', columns),
    attribute.int('count', count),
    attribute.int('first', first),
    attribute.bool('low_precision', policy.precision !== 'float32'),
  ];
  const [logProbabilities, tokens] = execute('S2sPackedBestTokens', attributes, [hidden, tensor, bias], 2);
  return { logProbabilities: logProbabilities as Tensor2D, tokens: tokens as Tensor2D };
}
