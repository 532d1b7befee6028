import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { sequenceMask } from '../../runtime/ops/time-major.js';
import { tf } from '../../runtime/tf.js';

/**
 * The coverage loss of See et al. (2017, equation 12), which penalises repeated attention to the same source positions:
 * `weight Σ_t Σ_i min(a_ti, c_ti)` over real target positions, where `c` is the sum of earlier weights `a`.
 *
 * @param overlaps for each step `[batch]`: `Σ_i min(a_ti, c_ti)`
 * @param lengths int32 `[batch]`: real steps
 */
export function coverageLoss(
  overlaps: readonly Tensor1D[],
  lengths: Tensor1D,
  weight: number,
): Readonly<Record<string, Scalar>> {
  if (weight === 0 || overlaps.length === 0) return {};
  const ofSteps = tf.stack([...overlaps], 1) as Tensor2D;
  return { coverage: tf.mul(tf.sum(tf.mul(ofSteps, sequenceMask(lengths, overlaps.length))), weight) };
}
