/**
 * The factor of the loss while gradients pass through float16, whose smallest numbers are near 6e-8: without it the
 * smaller gradients would become zero (Micikevicius et al. 2018, section 3.2). All factors are powers of two, which
 * change no digit of a number.
 */
export interface LossScale {
  readonly factor: number;
  /** Updates without an infinite gradient since the factor last changed. */
  readonly updates: number;
}

/** Where a training begins. */
export const FIRST_LOSS_SCALE: LossScale = { factor: 2 ** 15, updates: 0 };

/** Updates without an infinite gradient after which twice the factor is tried. */
const GROWTH_INTERVAL = 2000;
const LARGEST_FACTOR = 2 ** 24;

/** The factor after an update that could be applied. */
export function afterApplied({ factor, updates }: LossScale): LossScale {
  return updates + 1 < GROWTH_INTERVAL
    ? { factor, updates: updates + 1 }
    : { factor: Math.min(2 * factor, LARGEST_FACTOR), updates: 0 };
}

/** The factor after an update whose gradient was infinite; undefined when it can fall no further, so that another cause must be. */
export function afterOverflow({ factor }: LossScale): LossScale | undefined {
  return factor > 1 ? { factor: factor / 2, updates: 0 } : undefined;
}
