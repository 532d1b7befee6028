import type { Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tensorflow.js';
import { attribute, execute } from './execute.js';
import { opForm } from './form.js';

/** The most probable tokens of some rows, best first. */
export interface BestTokens {
  /** `[rows, count]`, natural logarithms */
  readonly logProbabilities: Tensor2D;
  /** int32 `[rows, count]` */
  readonly tokens: Tensor2D;
}

/**
 * The `count` most probable tokens of each row with their log-probabilities, which are among all tokens; of equals the one
 * with the lower id comes first. A row with a NaN has NaN for log-probabilities. Without a gradient.
 *
 * @param logits `[rows, vocab]`
 * @param first ids below this are left out
 */
export function bestTokens(logits: Tensor2D, count: number, first: number): BestTokens {
  if (opForm().kernels === 'custom') {
    // src/runtime/native/best_tokens_op.cc
    const [logProbabilities, tokens] = execute('S2sBestTokens', [attribute.int('count', count), attribute.int('first', first)], [logits], 2);
    return { logProbabilities: logProbabilities as Tensor2D, tokens: tokens as Tensor2D };
  }
  const { values, indices } = tf.topk(tf.slice(logits, [0, first]), count);
  return { logProbabilities: tf.sub(values, tf.logSumExp(logits, 1, true)), tokens: tf.add(indices, tf.scalar(first, 'int32')) };
}
