import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { globalNorm } from '../runtime/ops/optimizer-updates.js';
import { tf } from '../runtime/tensorflow.js';

/**
 * Clips gradients by their global norm (Pascanu et al. 2013): where it exceeds `limit`, all are scaled by
 * `limit / norm`.
 *
 * @param gradients disposed when scaled copies take their place
 * @param limit 0 does not clip
 * @returns the gradients to apply, and the norm before clipping (NaN or infinite where a gradient is)
 */
export function clipByGlobalNorm(gradients: readonly Tensor[], limit: number): { gradients: readonly Tensor[]; norm: number } {
  const normTensor = globalNorm(gradients);
  const norm = normTensor.dataSync()[0]!;
  normTensor.dispose();
  if (limit === 0 || !(norm > limit) || !Number.isFinite(norm)) return { gradients, norm };
  const clipped = gradients.map((gradient) => tf.mul(gradient, limit / norm));
  for (const gradient of gradients) gradient.dispose();
  return { gradients: clipped, norm };
}
