import type { TrainingConfig } from '../config/schema.js';

type ScheduleConfig = TrainingConfig['schedule'];

/** What the plateau schedule remembers between validations. */
export interface PlateauState {
  /** Validations since the last improvement or decay. */
  readonly waited: number;
  /** Decays so far. */
  readonly decays: number;
}

/**
 * Learning rate of an update: linear warm-up from zero in every schedule, then
 *
 * - `constant`: the base rate
 * - `inverse-sqrt`: base times the square root of warm-up / update (Vaswani et al. 2017, scaled to peak at the base)
 * - `step`: base times factor to the power of the whole intervals since `start` (Luong et al. 2015 halve so)
 * - `exponential`: the same with a fractional exponent, so without steps
 * - `plateau`: base times factor for each decay so far
 *
 * @param update number of the update, from 1
 */
export function learningRate(update: number, base: number, schedule: ScheduleConfig, plateau: PlateauState): number {
  if (update < schedule.warmupSteps) return (base * update) / schedule.warmupSteps;
  return Math.max(schedule.minimumLearningRate, base * decay(update, schedule, plateau));
}

function decay(update: number, schedule: ScheduleConfig, plateau: PlateauState): number {
  const { name, warmupSteps, start, interval, factor } = schedule;
  switch (name) {
    case 'constant':
      return 1;
    case 'inverse-sqrt':
      return Math.sqrt(Math.max(1, warmupSteps) / Math.max(update, warmupSteps, 1));
    case 'step':
      return update < start ? 1 : factor ** Math.floor((update - start) / interval);
    case 'exponential':
      return update < start ? 1 : factor ** ((update - start) / interval);
    case 'plateau':
      return factor ** plateau.decays;
  }
}

/** The plateau schedule's memory after one more validation. */
export function afterValidation(plateau: PlateauState, improved: boolean, schedule: ScheduleConfig): PlateauState {
  if (schedule.name !== 'plateau') return plateau;
  if (improved) return { ...plateau, waited: 0 };
  const waited = plateau.waited + 1;
  return waited > schedule.patience ? { waited: 0, decays: plateau.decays + 1 } : { ...plateau, waited };
}
