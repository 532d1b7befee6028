import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { globalNorm } from '../runtime/ops/optimizer-updates.js';
import { tf } from '../runtime/tensorflow.js';

/**
 * Clips gradients by their global norm (Pascanu et al. 2013): where it exceeds `limit`, all are scaled by
 * `limit / norm`.
 *
 * @param gradients disposed when scaled copies take their place
 * @param limit 0 does not clip
 * @param factor what the loss was multiplied by: taken out of the gradients again
 * @returns the gradients to apply, and the norm before clipping (NaN or infinite where a gradient is), both without the factor
 */
export function clipByGlobalNorm(gradients: readonly Tensor[], limit: number, factor = 1): { gradients: readonly Tensor[]; norm: number } {
  const normTensor = globalNorm(gradients);
  const norm = normTensor.dataSync()[0]! / factor;
  normTensor.dispose();
  const scale = (limit > 0 && norm > limit && Number.isFinite(norm) ? limit / norm : 1) / factor;
  if (scale === 1) return { gradients, norm };
  const scaled = gradients.map((gradient) => tf.mul(gradient, scale));
  for (const gradient of gradients) gradient.dispose();
  return { gradients: scaled, norm };
}
