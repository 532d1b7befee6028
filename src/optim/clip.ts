/**
 * Factor of the gradients that clips them by their global norm (Pascanu et al. 2013): `limit / norm` if the norm exceeds
 * the limit, else 1. It also divides by the loss scale.
 *
 * @param norm global norm of the gradients without the loss scale; if it is not finite, gradients are not clipped
 * @param limit 0 disables clipping
 * @param lossScale factor of the loss, by which the gradients are still multiplied (mixed precision training)
 */
export function clippingFactor(norm: number, limit: number, lossScale = 1): number {
  return (limit > 0 && norm > limit && Number.isFinite(norm) ? limit / norm : 1) / lossScale;
}
