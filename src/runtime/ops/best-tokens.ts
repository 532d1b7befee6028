import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';
import { packedProduct, type PackedKernel } from './packed-product.js';

/** The most probable tokens of each row, best first. */
export interface BestTokens {
  /** `[rows, count]`, natural logarithms */
  readonly logProbabilities: Tensor2D;
  /** int32 `[rows, count]` */
  readonly tokens: Tensor2D;
}

/** Logits of a decoding step, computed lazily: search needs only the best of them. */
export interface Logits {
  /** `[rows, vocab]`, before the softmax */
  readonly values: () => Tensor2D;
  /**
   * The `count` most probable tokens of each row and their log-probabilities, normalised over the whole vocabulary.
   * Ties are broken by the lower id. A row with a NaN has log-probabilities NaN. Not differentiable.
   *
   * @param first tokens with a smaller id are excluded
   */
  readonly best: (count: number, first: number) => BestTokens;
}

/** Wraps logits `[rows, vocab]` that are already computed. */
export function precomputedLogits(values: Tensor2D): Logits {
  return { values: () => values, best: (count, first) => topTokens(values, count, first) };
}

/**
 * Logits of the output projection, `hidden kernel + bias`.
 *
 * @param hidden `[rows, hidden]`
 * @param kernel packed from `[hidden, vocab]`
 * @param bias `[vocab]`
 */
export function projectedLogits(hidden: Tensor2D, kernel: PackedKernel, bias: Tensor1D): Logits {
  const values = (): Tensor2D => packedProduct(hidden, kernel, { bias });
  return {
    values,
    best: (count, first) =>
      kernel.layout === 'packed'
        ? packedTopTokens(hidden, kernel, bias, count, first)
        : topTokens(values(), count, first),
  };
}

function topTokens(logits: Tensor2D, count: number, first: number): BestTokens {
  const { values, indices } = tf.topk(tf.slice(logits, [0, first]), count);
  return {
    logProbabilities: tf.sub(values, tf.logSumExp(logits, 1, true)),
    tokens: tf.add(indices, tf.scalar(first, 'int32')),
  };
}

/**
 * Fuses the projection and the top-k selection in the custom op S2sPackedBestTokens
 * (src/runtime/native/best_tokens_op.cc), which never writes the logits to memory.
 */
function packedTopTokens(
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
