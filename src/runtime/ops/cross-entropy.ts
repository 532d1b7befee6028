import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tensorflow.js';
import { matMul } from './matmul.js';

/** What the output projection and its loss read. */
export interface CrossEntropyInputs {
  /** `[positions, hidden]`: decoder outputs at real positions. */
  readonly hidden: Tensor2D;
  /** `[vocab, hidden]` */
  readonly kernel: Tensor2D;
  /** `[vocab]` */
  readonly bias: Tensor1D;
  /** int32 `[positions]`: the right tokens. */
  readonly labels: Tensor1D;
  /** `[positions]`: weight of each position in the loss. */
  readonly weights: Tensor1D;
  /** Probability mass spread evenly over the vocabulary, from 0 to 1. */
  readonly labelSmoothing: number;
}

/** Sums over all positions. */
export interface CrossEntropyOutputs {
  /** Smoothed cross-entropy times the weights; the only one with a gradient. */
  readonly loss: Scalar;
  /** Cross-entropy without smoothing and without weights, in nats. */
  readonly negativeLogLikelihood: Scalar;
  /** Number of positions at which the most probable token is the right one. */
  readonly correct: Scalar;
}

/**
 * Cross-entropy of the logits `hidden kernelᵀ + bias` with label smoothing (Szegedy et al. 2016, section 7): against the
 * distribution that gives `1 - ε` to the label and `ε / vocab` to every token. Computed from the logits less their
 * maximum, so that no logit is too large.
 */
export function projectedCrossEntropy({ hidden, kernel, bias, labels, weights, labelSmoothing }: CrossEntropyInputs): CrossEntropyOutputs {
  const logits = matMul(hidden, kernel, { transposeB: true, bias });
  const logProbabilities = tf.logSoftmax(logits);
  const ofLabels = tf.neg(tf.sum(tf.mul(logProbabilities, tf.oneHot(labels, kernel.shape[0])), 1));
  const ofAll = tf.neg(tf.mean(logProbabilities, 1));
  const smoothed = tf.add(tf.mul(ofLabels, 1 - labelSmoothing), tf.mul(ofAll, labelSmoothing));
  return {
    loss: tf.sum(tf.mul(smoothed, weights)),
    negativeLogLikelihood: tf.sum(ofLabels),
    correct: tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32')),
  };
}
