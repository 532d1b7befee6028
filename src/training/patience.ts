import type { DevScores, ScoreName } from './selection.js';

/*
 * Validations ask three questions, each with its own rule:
 *
 * 1. Which checkpoint is the best? The one with the best score, however small the difference: selection.ts.
 * 2. Should the learning rate fall (`plateau` schedule)? After `schedule.patience` + 1 validations that count as
 *    waiting, since the last progress or the last decay: optim/schedule.ts.
 * 3. Should training end? After `earlyStopping.patience` validations that count as waiting, since the last progress:
 *    limits.ts.
 *
 * This file decides for the last two what a validation is: progress, waiting, or neither.
 */

/** What patience must know about earlier validations; saved in checkpoints. */
export interface ScoreHistory {
  /** The lowest score of the metric so far: the level of a model that does not translate. */
  readonly lowest?: number | undefined;
  /** Whether the score has begun to move. */
  readonly begun: boolean;
  /** The dev loss that the next one has to improve on. */
  readonly lowestLoss?: number | undefined;
  /** The dev loss of the previous validation. */
  readonly previousLoss?: number | undefined;
  /** Validations without progress since the last progress, before the score has begun to move. */
  readonly undecided: number;
  /** Validations so far, all with BLEU 0; -1 once it was not 0. */
  readonly zeros: number;
}

export const INITIAL_HISTORY: ScoreHistory = { begun: false, undecided: 0, zeros: 0 };

/**
 * `progress`: score or loss is better than before, and patience starts again. `waiting`: counts towards patience.
 * `undecided`: the model has not begun to translate, so that its score is noise, and nothing changes.
 */
export type Verdict = 'progress' | 'waiting' | 'undecided';

/**
 * When a score has begun to move: `certain` is a score that only a translating model reaches (a fine-tuned model
 * starts there), and `rise` a distance from the lowest score that noise does not reach. Before it translates, a model
 * writes frequent words or one sentence for every input: BLEU stays below 2, and chrF between 5 and 20.
 */
const BEGINNING = {
  bleu: { certain: 10, rise: 2 },
  chrf: { certain: 35, rise: 10 },
} as const;

/** The dev loss improves if it falls by this share: smaller steps would go on for ever at a low learning rate. */
const MIN_LOSS_DECREASE = 1e-3;
/** Below this relative difference the loss is unchanged: the model has stopped learning. */
const UNCHANGED = 1e-6;
/** BLEU and chrF cannot be higher, up to rounding. */
const PERFECT = 100 - 1e-6;
/** Of the validations without progress before the score has begun to move, every fifth counts as waiting. */
const UNDECIDED_PER_WAIT = 5;

/**
 * Judges a validation for the plateau schedule and for early stopping.
 *
 * Progress is a better score, a dev loss that is 0.1 % below the lowest so far (unless the score is perfect), or the
 * beginning of movement. Otherwise
 * the validation counts as waiting, once the score has begun to move. Before that, BLEU and chrF are noise around the
 * score of an untrained model and the dev loss of a small text rises early, so only every fifth validation counts, and
 * every one that leaves the loss unchanged. The loss itself moves from the first update on: selected by loss, every
 * validation is progress or waiting.
 *
 * @param improved whether the score of the metric is the best so far
 */
export function judgeValidation(
  history: ScoreHistory,
  { metric, scores, improved }: { metric: ScoreName; scores: DevScores; improved: boolean },
): { verdict: Verdict; history: ScoreHistory } {
  const { loss = Number.NaN, bleu } = scores;
  const { lowestLoss, previousLoss } = history;
  const value = scores[metric] ?? Number.NaN;
  const begun = history.begun || hasBegun(metric, value, history.lowest);
  const lossImproved = lowestLoss === undefined ? Number.isFinite(loss) : loss < (1 - MIN_LOSS_DECREASE) * lowestLoss;
  const lossUnchanged = previousLoss !== undefined && Math.abs(loss - previousLoss) <= UNCHANGED * previousLoss;
  const canRise = metric !== 'loss' && !(value >= PERFECT);
  const progress = improved || (canRise && (lossImproved || (begun && !history.begun)));
  const undecided = progress || begun ? 0 : history.undecided + 1;
  const waits = begun || lossUnchanged || undecided % UNDECIDED_PER_WAIT === 0;
  return {
    verdict: progress ? 'progress' : waits ? 'waiting' : 'undecided',
    history: {
      begun,
      undecided,
      lowest: lowerOf(history.lowest, value),
      lowestLoss: lossImproved ? loss : lowestLoss,
      previousLoss: Number.isFinite(loss) ? loss : previousLoss,
      zeros: bleu === undefined || history.zeros < 0 ? history.zeros : bleu === 0 ? history.zeros + 1 : -1,
    },
  };
}

function hasBegun(metric: ScoreName, value: number, lowest: number | undefined): boolean {
  if (metric === 'loss') return true;
  const { certain, rise } = BEGINNING[metric];
  return value >= certain || (lowest !== undefined && value >= lowest + rise);
}

function lowerOf(lowest: number | undefined, value: number): number | undefined {
  if (!Number.isFinite(value)) return lowest;
  return lowest === undefined ? value : Math.min(lowest, value);
}

/**
 * The history for checkpoints that were saved without one: the score has begun to move if the best one is clearly
 * above 0.
 *
 * @param losses dev losses of the run that are known
 */
export function assumedHistory(metric: ScoreName, best: number | undefined, losses: readonly number[]): ScoreHistory {
  return {
    ...INITIAL_HISTORY,
    begun: metric === 'loss' || (best !== undefined && hasBegun(metric, best, 0)),
    lowestLoss: losses.length === 0 ? undefined : Math.min(...losses),
    zeros: -1,
  };
}
