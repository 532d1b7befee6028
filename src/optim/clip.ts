import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../runtime/tf.js';

/**
 * Clips gradients by their global norm (Pascanu et al. 2013): where it exceeds `limit`, all are scaled by
 * `limit / norm`.
 *
 * @param gradients disposed when scaled copies take their place
 * @param norm of the gradients (`globalNorm`) with the factor taken out; one that is not finite clips nothing
 * @param limit 0 does not clip
 * @param factor what the loss was multiplied by: taken out of the gradients again
 * @returns the gradients to apply
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
