import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../runtime/tf.js';

/**
 * Clips gradients by their global norm (Pascanu et al. 2013): if it exceeds `limit`, multiplies them by `limit / norm`.
 * Also divides them by the loss scale `factor`.
 *
 * @param gradients disposed, unless they are returned unchanged
 * @param norm global norm of the unscaled gradients; if it is not finite, gradients are not clipped
 * @param limit 0 disables clipping
 */
export function clipByGlobalNorm(
  gradients: readonly Tensor[],
  norm: number,
  limit: number,
  factor = 1,
): readonly Tensor[] {
  const scale = (limit > 0 && norm > limit && Number.isFinite(norm) ? limit / norm : 1) / factor;
  if (scale === 1) return gradients;
  const scaled = gradients.map((gradient) => tf.mul(gradient, scale));
  for (const gradient of gradients) gradient.dispose();
  return scaled;
}
