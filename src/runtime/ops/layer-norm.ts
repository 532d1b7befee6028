import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';
import { withGradient } from './gradient.js';

/** `layer`: Ba et al. (2016, equation 4); `rms`: Zhang and Sennrich (2019, equation 4). */
export type NormalizationKind = 'layer' | 'rms';

export interface Normalized {
  /** `[rows, size]`: `x + residual`. */
  readonly sum: Tensor2D;
  /** `[rows, size]`: the normalised sum. */
  readonly normalized: Tensor2D;
}

/**
 * Residual connection and normalisation of each row: `normalized = gain * (sum - mean) / sqrt(variance + epsilon) +
 * bias`, where `sum = x + residual`. With `rms` the mean is 0 and the variance is the mean square.
 *
 * @param x `[rows, size]`
 * @param residual `[rows, size]`; without it, `sum` is `x`
 * @param gain `[size]`
 * @param bias `[size]`
 */
export function normalize(
  x: Tensor2D,
  residual: Tensor2D | undefined,
  gain: Tensor1D,
  bias: Tensor1D | undefined,
  epsilon: number,
  kind: NormalizationKind,
): Normalized {
  const sum = residual === undefined ? x : tf.add<Tensor2D>(x, residual);
  const normalized = withGradient<Tensor2D>(
    [sum, gain, ...(bias === undefined ? [] : [bias])],
    (save) => {
      const centred = kind === 'layer' ? tf.sub(sum, tf.mean(sum, 1, true)) : sum;
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon));
      const standard = tf.mul(centred, inverse);
      save([standard, inverse, gain]);
      const scaled = tf.mul<Tensor2D>(standard, gain);
      return bias === undefined ? scaled : tf.add(scaled, bias);
    },
    (gradient, saved) => {
      const [standard, inverse, savedGain] = saved as [Tensor2D, Tensor2D, Tensor1D];
      const dStandard = tf.mul(gradient, savedGain);
      const along = tf.mul(standard, tf.mean(tf.mul(dStandard, standard), 1, true));
      const removed = kind === 'layer' ? tf.add(along, tf.mean(dStandard, 1, true)) : along;
      const dSum = tf.mul(inverse, tf.sub(dStandard, removed));
      const dGain = tf.sum(tf.mul(gradient, standard), 0);
      return [dSum, dGain, ...(bias === undefined ? [] : [tf.sum(gradient, 0)])];
    },
  );
  return { sum, normalized };
}
