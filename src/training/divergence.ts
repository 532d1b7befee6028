import { formatBatches } from '../data/batch-origin.js';
import { S2sError } from '../errors.js';
import { plural } from '../plural.js';
import type { SkippedEvent } from './events.js';
import type { UpdateResult } from './update.js';

/**
 * A perplexity of more than this many times the vocabulary size is far too high: a uniform distribution has the
 * vocabulary size as its perplexity, and an untrained model is close to it.
 */
const PERPLEXITY_FACTOR = 10;
/** This many consecutive updates with a far too high perplexity and no new minimum are not a transient spike. */
const MAX_CONSECUTIVE_UPDATES = 200;
/** Up to this update, a high perplexity may be a spike of the first steps. */
const MIN_UPDATES = 100;
const MAX_CONSECUTIVE_VALIDATIONS = 2;

/**
 * The state of the model according to a validation:
 *
 * - `healthy`: the scores of the validation count.
 * - `spike`: the perplexity is far too high, but so early in training that it may recover; the scores do not count.
 * - `diverged`: the weights are not worth saving.
 */
export type Health = 'healthy' | 'spike' | 'diverged';

/** The results of a validation that show divergence. */
export interface ValidatedModel {
  /** Mean cross-entropy of a dev token in nats, with label smoothing as in training. */
  readonly loss: number;
  /** Perplexity on the dev set. */
  readonly perplexity: number;
  readonly step: number;
  /** Completed epochs. */
  readonly epochs: number;
}

/**
 * Detects that training has diverged although loss and gradients are still finite.
 *
 * The perplexity on the dev set alone is not enough: an overfitted model can be far worse than a uniform distribution
 * there and still improve in BLEU. A model that is also that bad on its own training data has diverged.
 */
export class DivergenceDetector {
  private minimum = Infinity;
  private consecutiveUpdates = 0;
  private consecutiveValidations = 0;
  private latestPerplexity = Number.NaN;
  /** Step of the first unhealthy validation since the last healthy one. */
  private unhealthySince: number | undefined;
  /** Sums over the updates since the last validation. */
  private sums = { negativeLogLikelihood: 0, tokens: 0 };

  /**
   * @param vocabularySize of the target language
   * @param warmupSteps of the learning rate schedule; until then, no finite perplexity of a validation is divergence
   * @param healthyStep step of the latest healthy validation in an earlier session
   */
  constructor(
    private readonly vocabularySize: number,
    private readonly warmupSteps: number,
    private healthyStep?: number,
  ) {}

  /** Records an applied update and returns whether training has diverged. */
  afterUpdate({
    negativeLogLikelihood,
    targetTokens,
  }: Pick<UpdateResult, 'negativeLogLikelihood' | 'targetTokens'>): boolean {
    this.sums = {
      negativeLogLikelihood: this.sums.negativeLogLikelihood + negativeLogLikelihood,
      tokens: this.sums.tokens + targetTokens,
    };
    const perplexity = Math.exp(negativeLogLikelihood / targetTokens);
    // A model that starts with a far too high perplexity may continue as long as it improves.
    const isAcceptable = !this.isTooHigh(perplexity) || perplexity < this.minimum;
    this.minimum = Math.min(this.minimum, perplexity);
    this.consecutiveUpdates = isAcceptable ? 0 : this.consecutiveUpdates + 1;
    return this.consecutiveUpdates >= MAX_CONSECUTIVE_UPDATES;
  }

  /** Records a validation and returns the state of the model. */
  afterValidation({ loss, perplexity, step, epochs }: ValidatedModel): Health {
    const training = Math.exp(this.sums.negativeLogLikelihood / this.sums.tokens);
    this.sums = { negativeLogLikelihood: 0, tokens: 0 };
    this.latestPerplexity = perplexity;
    const health = this.judge({ loss, perplexity, step, epochs }, training);
    this.consecutiveValidations = health === 'diverged' ? this.consecutiveValidations + 1 : 0;
    if (health === 'healthy') this.healthyStep = step;
    this.unhealthySince = health === 'healthy' ? undefined : (this.unhealthySince ?? step);
    return health;
  }

  /** Whether training should stop. One diverged validation is not enough: it may have hit a spike. */
  get shouldStop(): boolean {
    return this.consecutiveValidations >= MAX_CONSECUTIVE_VALIDATIONS;
  }

  /** Whether the model had diverged at the latest validation. */
  get hasDiverged(): boolean {
    return this.consecutiveValidations > 0;
  }

  /**
   * Whether the weights of a checkpoint are not known to have diverged.
   *
   * @param savedStep of the checkpoint
   * @param step at which training diverged
   */
  canResumeFrom(savedStep: number, step: number): boolean {
    if (this.unhealthySince !== undefined && savedStep >= this.unhealthySince) return false;
    return savedStep !== step || this.healthyStep === step;
  }

  /** Perplexity on the dev set at the latest validation; NaN before the first. */
  get devPerplexity(): number {
    return this.latestPerplexity;
  }

  /** @param training perplexity on the training data since the last validation; NaN without updates since then */
  private judge({ loss, perplexity, step, epochs }: ValidatedModel, training: number): Health {
    if (!Number.isFinite(loss) || !Number.isFinite(perplexity)) return 'diverged';
    if (!this.isTooHigh(perplexity) || !this.isTooHigh(training)) return 'healthy';
    return epochs >= 1 && step > this.warmupSteps && step >= MIN_UPDATES ? 'diverged' : 'spike';
  }

  private isTooHigh(perplexity: number): boolean {
    return perplexity > PERPLEXITY_FACTOR * this.vocabularySize;
  }
}

const REMEDY =
  'Lower training.optimizer.learningRate or training.clipNorm (0 disables clipping), ' +
  'or increase training.schedule.warmupSteps';

/** Describes the problem that a validation found in the model; undefined if the model is healthy. */
export function healthWarning(
  health: Health,
  { loss, perplexity }: ValidatedModel,
  vocabularySize: number,
): string | undefined {
  if (health === 'healthy') return undefined;
  const notSaved = `these weights are not saved. ${REMEDY}.`;
  if (!Number.isFinite(loss) || !Number.isFinite(perplexity)) {
    const quantity = Number.isFinite(loss) ? 'perplexity' : 'loss';
    return `training has diverged: the ${quantity} on the dev set is infinite or NaN; ${notSaved}`;
  }
  const found =
    `the perplexities on the dev set (${perplexity.toPrecision(3)}) and in training are ` +
    `more than ${PERPLEXITY_FACTOR} times that of a uniform distribution (${vocabularySize})`;
  if (health === 'diverged') return `training has diverged: ${found}; ${notSaved}`;
  return `${found}. The model may still recover; until then its scores do not count. If it does not: ${REMEDY}.`;
}

/** State of the training run at the step where it diverged. */
interface DivergedRun {
  readonly runDirectory: string;
  readonly step: number;
  /** Step of the last checkpoint; undefined if there is none. */
  readonly savedStep: number | undefined;
  readonly divergence: DivergenceDetector;
}

/** The error after too many consecutive skipped updates. */
export function nonFiniteUpdatesError(run: DivergedRun, { inRow, notFinite, batches, epoch }: SkippedEvent): S2sError {
  const problem = `infinite or NaN loss, perplexity or gradient in ${plural(inRow, 'consecutive update')}`;
  const latest = `the latest was the ${notFinite} of ${formatBatches(batches, epoch)}`;
  return diverged(run, `${problem}; ${latest}`, 'Rows of type skipped in metrics.jsonl list the lines of each batch.');
}

/** The error after too many consecutive updates with a far too high perplexity. */
export function trainingPerplexityError(run: DivergedRun, vocabularySize: number): S2sError {
  const limit = `${PERPLEXITY_FACTOR} times that of a uniform distribution (${vocabularySize})`;
  const updates = plural(MAX_CONSECUTIVE_UPDATES, 'consecutive update');
  return diverged(run, `the perplexity in training was more than ${limit} in ${updates}`);
}

/** The error after validations that found the model diverged. */
export function devPerplexityError(run: DivergedRun): S2sError {
  const perplexity = run.divergence.devPerplexity;
  const judgement = Number.isFinite(perplexity)
    ? `more than ${PERPLEXITY_FACTOR} times that of a uniform distribution, as in training`
    : 'not finite';
  return diverged(run, `the perplexity on the dev set is ${perplexity.toPrecision(3)}, ${judgement}`);
}

/** The error for weights or optimiser moments that cannot be saved. */
export function nonFiniteWeightsError(run: DivergedRun): S2sError {
  return diverged(run, 'a weight or an optimiser moment is infinite or NaN');
}

function diverged(run: DivergedRun, problem: string, note?: string): S2sError {
  return new S2sError('diverged', `training has diverged: ${problem}; stopped at step ${run.step}`, {
    place: { file: run.runDirectory },
    hint: [nextStep(run), note].filter((part) => part !== undefined).join(' '),
  });
}

function nextStep({ step, savedStep, divergence }: DivergedRun): string {
  if (savedStep === undefined) return `There is no checkpoint yet. ${REMEDY}, then start again.`;
  if (!divergence.canResumeFrom(savedStep, step)) {
    const checkpoint = `The last checkpoint, of step ${savedStep}, had already diverged.`;
    return `${checkpoint} ${REMEDY}, then start again with another --run-dir.`;
  }
  return `The last checkpoint is of step ${savedStep}. ${REMEDY}, then continue from it with --resume.`;
}
