/**
 * State of dynamic loss scaling in float16 (Micikevicius et al. 2018, section 3.2). The loss is multiplied by `factor`,
 * because gradients below 6e-8 would underflow to zero. Factors are powers of two, which cause no rounding.
 */
export interface LossScale {
  readonly factor: number;
  /** Updates without overflow since the last change of the factor. */
  readonly updates: number;
}

export const INITIAL_LOSS_SCALE: LossScale = { factor: 2 ** 15, updates: 0 };

/** Updates without overflow after which the factor is doubled. */
const GROWTH_INTERVAL = 2000;
const MAX_FACTOR = 2 ** 24;

/** Returns the loss scale after an update without overflow. */
export function afterApplied({ factor, updates }: LossScale): LossScale {
  return updates + 1 < GROWTH_INTERVAL
    ? { factor, updates: updates + 1 }
    : { factor: Math.min(2 * factor, MAX_FACTOR), updates: 0 };
}

/** Returns the loss scale after an overflow; undefined at a factor of 1, where scaling is not the cause. */
export function afterOverflow({ factor }: LossScale): LossScale | undefined {
  return factor > 1 ? { factor: factor / 2, updates: 0 } : undefined;
}
