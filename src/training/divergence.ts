import { formatBatches } from '../data/batch-origin.js';
import { S2sError } from '../errors.js';
import type { SkippedEvent } from './events.js';
import type { UpdateResult } from './update.js';

/**
 * A perplexity this many times the vocabulary size is far worse than a uniform guess, whose perplexity is the
 * vocabulary size. An untrained model is near the uniform guess.
 */
const FAR_WORSE = 10;
/** So many updates far worse than a uniform guess, without a new lowest perplexity, are not a passing peak. */
const UPDATES_IN_ROW = 200;
/** Before this update, a high perplexity may be a peak of the first steps. */
const FIRST_UPDATES = 100;
const VALIDATIONS_IN_ROW = 2;

/**
 * What a validation says about the model:
 *
 * - `healthy`: its score counts.
 * - `peak`: far worse than a uniform guess, but so early that it may pass; the score does not count.
 * - `diverged`: the weights are not worth saving.
 */
export type Health = 'healthy' | 'peak' | 'diverged';

/** What a watch is told of a validation. */
export interface ValidatedModel {
  /** Mean cross-entropy of a dev token in nats, smoothed as in training. */
  readonly loss: number;
  /** On dev. */
  readonly perplexity: number;
  readonly step: number;
  /** Passes completed over the training data. */
  readonly epochs: number;
}

/**
 * Finds out whether a training has diverged although its numbers are still finite.
 *
 * The perplexity on dev alone does not show it: a model that overfits can be far worse than a uniform guess on dev, and
 * still translate better and better. A model that is far worse than that on its own training data has diverged.
 */
export class DivergenceWatch {
  private lowest = Infinity;
  private updatesInRow = 0;
  private validationsInRow = 0;
  private latestPerplexity = Number.NaN;
  /** The first validation after the healthy one that found no healthy model. */
  private unhealthySince: number | undefined;
  /** Since the last validation. */
  private sums = { negativeLogLikelihood: 0, tokens: 0 };

  /**
   * @param vocabularySize of the target
   * @param warmupSteps of the learning rate, in which no finite perplexity counts as divergence at a validation
   * @param healthyStep the latest validation that found a healthy model, before this session
   */
  constructor(
    private readonly vocabularySize: number,
    private readonly warmupSteps: number,
    private healthyStep?: number,
  ) {}

  /** Takes note of an update that was applied. Returns whether the training has diverged by now. */
  afterUpdate({
    negativeLogLikelihood,
    targetTokens,
  }: Pick<UpdateResult, 'negativeLogLikelihood' | 'targetTokens'>): boolean {
    this.sums = {
      negativeLogLikelihood: this.sums.negativeLogLikelihood + negativeLogLikelihood,
      tokens: this.sums.tokens + targetTokens,
    };
    const perplexity = Math.exp(negativeLogLikelihood / targetTokens);
    // A model that starts far off, or returns from there, goes on as long as it improves.
    const goesOn = !this.isFarWorse(perplexity) || perplexity < this.lowest;
    this.lowest = Math.min(this.lowest, perplexity);
    this.updatesInRow = goesOn ? 0 : this.updatesInRow + 1;
    return this.updatesInRow >= UPDATES_IN_ROW;
  }

  /** Takes note of a validation. */
  afterValidation({ loss, perplexity, step, epochs }: ValidatedModel): Health {
    const training = Math.exp(this.sums.negativeLogLikelihood / this.sums.tokens);
    this.sums = { negativeLogLikelihood: 0, tokens: 0 };
    this.latestPerplexity = perplexity;
    const health = this.judge({ loss, perplexity, step, epochs }, training);
    this.validationsInRow = health === 'diverged' ? this.validationsInRow + 1 : 0;
    if (health === 'healthy') this.healthyStep = step;
    this.unhealthySince = health === 'healthy' ? undefined : (this.unhealthySince ?? step);
    return health;
  }

  /** Whether the training is to end: a single validation may have met a peak. */
  get isLost(): boolean {
    return this.validationsInRow >= VALIDATIONS_IN_ROW;
  }

  /** Whether the latest validation found the model diverged. */
  get hasDiverged(): boolean {
    return this.validationsInRow > 0;
  }

  /**
   * Whether nothing speaks against the weights of a checkpoint.
   *
   * @param savedStep of the checkpoint
   * @param step at which the training diverged
   */
  mayGoOnFrom(savedStep: number, step: number): boolean {
    if (this.unhealthySince !== undefined && savedStep >= this.unhealthySince) return false;
    return savedStep !== step || this.healthyStep === step;
  }

  /** Perplexity on dev of the latest validation; NaN before the first. */
  get devPerplexity(): number {
    return this.latestPerplexity;
  }

  /** @param training perplexity on the training data since the last validation; NaN when there was no update */
  private judge({ loss, perplexity, step, epochs }: ValidatedModel, training: number): Health {
    if (!Number.isFinite(loss) || !Number.isFinite(perplexity)) return 'diverged';
    if (!this.isFarWorse(perplexity) || !this.isFarWorse(training)) return 'healthy';
    return epochs >= 1 && step > this.warmupSteps && step >= FIRST_UPDATES ? 'diverged' : 'peak';
  }

  private isFarWorse(perplexity: number): boolean {
    return perplexity > FAR_WORSE * this.vocabularySize;
  }
}

/** What a validation that found no healthy model tells the user. */
export function healthWarning(
  health: Health,
  { loss, perplexity }: ValidatedModel,
  vocabularySize: number,
): string | undefined {
  if (health === 'healthy') return undefined;
  if (!Number.isFinite(loss) || !Number.isFinite(perplexity)) {
    return `the training has diverged: the ${Number.isFinite(loss) ? 'perplexity' : 'loss'} on dev is infinite or not a number; these weights are not saved. ${ADVICE}`;
  }
  const found = `the perplexity on dev, ${perplexity.toPrecision(3)}, and that in training are more than ${FAR_WORSE} times the ${vocabularySize} of a uniform guess`;
  return health === 'diverged'
    ? `the training has diverged: ${found}; these weights are not saved. ${ADVICE}`
    : `${found}: this early it may pass, but the score does not count. If it stays so: ${ADVICE}`;
}

const REMEDY =
  'Lower training.optimizer.learningRate or training.clipNorm (0 does not clip), or lengthen training.schedule.warmupSteps';
const ADVICE = `${REMEDY}.`;

/** Where a training stood when it diverged. */
interface DivergedTraining {
  readonly runDirectory: string;
  readonly step: number;
  /** Step of the last checkpoint; undefined when there is none. */
  readonly savedStep: number | undefined;
  readonly watch: DivergenceWatch;
}

/** The error after too many updates in a row that were skipped. */
export function divergedInSkippedUpdates(
  training: DivergedTraining,
  { inRow, notFinite, batches, epoch }: SkippedEvent,
): S2sError {
  const what = `loss, perplexity or gradient were infinite or not a number in ${inRow} updates in a row`;
  const where = `stopped at step ${training.step}, by the ${notFinite} of ${formatBatches(batches, epoch)}`;
  return diverged(
    training,
    `${what}; ${where}`,
    'The rows of metrics.jsonl with type skipped name the lines of each batch.',
  );
}

/** The error after too many updates in a row whose perplexity is far above the vocabulary size. */
export function divergedInUpdates(training: DivergedTraining, vocabularySize: number): S2sError {
  const limit = `${FAR_WORSE} times the ${vocabularySize} of a uniform guess`;
  return diverged(
    training,
    `the perplexity in training was more than ${limit} in ${UPDATES_IN_ROW} updates in a row; stopped at step ${training.step}`,
  );
}

/** The error after validations that found the model diverged. */
export function divergedOnDev(training: DivergedTraining): S2sError {
  const perplexity = training.watch.devPerplexity;
  const found = Number.isFinite(perplexity)
    ? `more than ${FAR_WORSE} times that of a uniform guess, as in training`
    : 'not finite';
  return diverged(
    training,
    `the perplexity on dev is ${perplexity.toPrecision(3)}, ${found}; stopped at step ${training.step}`,
  );
}

/** The error where weights or optimiser moments cannot be saved. */
export function divergedWeights(training: DivergedTraining): S2sError {
  return diverged(
    training,
    `a weight or a moment of the optimiser is infinite or not a number; stopped at step ${training.step}`,
  );
}

function diverged(training: DivergedTraining, what: string, more?: string): S2sError {
  const hint = [nextStep(training), ...(more === undefined ? [] : [more])].join(' ');
  return new S2sError('diverged', `the training has diverged: ${what}`, {
    place: { file: training.runDirectory },
    hint,
  });
}

function nextStep({ step, savedStep, watch }: DivergedTraining): string {
  if (savedStep === undefined) return `No checkpoint was saved yet. ${REMEDY}, then start again.`;
  if (!watch.mayGoOnFrom(savedStep, step)) {
    return `The last checkpoint, of step ${savedStep}, had diverged as well. ${REMEDY}, then start again with another --run-dir.`;
  }
  return `The last checkpoint is of step ${savedStep}. ${REMEDY}, then go on from there with --resume.`;
}
