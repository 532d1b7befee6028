import type { TrainingConfig } from '../config/schema.js';

type ScheduleConfig = TrainingConfig['schedule'];

/** State of the plateau schedule (reduce on plateau). */
export interface PlateauState {
  /** Validations that count as waiting since the last progress or decay. */
  readonly waited: number;
  /** Decays so far. */
  readonly decays: number;
}

/**
 * Returns the learning rate of an update. All schedules start with a linear warm-up from zero. Afterwards:
 *
 * - `constant`: base
 * - `inverse-sqrt`: base * sqrt(warmupSteps / update) (Vaswani et al. 2017, scaled to peak at base)
 * - `step`: base * factor ** floor((update - start) / interval) (as in Luong et al. 2015)
 * - `exponential`: base * factor ** ((update - start) / interval)
 * - `plateau`: base * factor ** decays
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

/**
 * Returns the state of the plateau schedule after a validation.
 *
 * @param progress whether the validation is progress; otherwise it counts as waiting
 */
export function afterValidation(plateau: PlateauState, progress: boolean, schedule: ScheduleConfig): PlateauState {
  if (schedule.name !== 'plateau') return plateau;
  if (progress) return { ...plateau, waited: 0 };
  const waited = plateau.waited + 1;
  return waited > schedule.patience ? { waited: 0, decays: plateau.decays + 1 } : { ...plateau, waited };
}
