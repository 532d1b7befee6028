import { configSchema, type Config } from '../config/schema.js';
import type { LoadedConfig } from '../config/file-schema.js';
import type { CorpusFacts } from '../data/facts.js';
import { Choices, type Choice } from './choices.js';
import { amountOfText, isRepetitive, tokensOf, wordsOf } from './estimates.js';
import { chooseModel } from './model.js';
import * as rules from './rules.js';
import type { Chosen, DeviceKind } from './rules.js';

export interface Resolved {
  readonly config: Config;
  readonly choices: readonly Choice[];
}

/** Stands for a text that cannot be counted: 100,000 pairs in a Latin script. */
const ASSUMED_SIDE = {
  words: 1_500_000,
  distinctWords: 60_000,
  characters: 7_500_000,
  unspaced: 0,
  longWords: 60,
  longCharacters: 300,
  alphabet: 150,
};
export const ASSUMED_FACTS: CorpusFacts = {
  pairs: 100_000,
  epochPairs: 100_000,
  source: ASSUMED_SIDE,
  target: ASSUMED_SIDE,
  alphabet: 150,
};

/**
 * Chooses a value for each setting that is `auto`, by the rules of src/auto/rules.ts. Given values are kept.
 *
 * @param facts counts of the training text; `ASSUMED_FACTS` if it cannot be counted
 * @param options.fineTuning whether training starts from a trained model
 */
export function resolveConfig(
  given: LoadedConfig,
  facts: CorpusFacts,
  device: DeviceKind,
  { fineTuning = false }: { readonly fineTuning?: boolean } = {},
): Resolved {
  const choices = new Choices();
  const { tokenizer: givenTokenizer } = given;
  const { pairs } = facts;
  const words = amountOfText(facts);
  const type = (side: 'source' | 'target') => givenTokenizer[side]?.type ?? givenTokenizer.type;

  const tokenizer = {
    ...givenTokenizer,
    size: choices.take('tokenizer.size', givenTokenizer.size, () => tokenizerSize(givenTokenizer, facts)),
  };
  const sizeOf = (side: 'source' | 'target') => tokenizer[side]?.size ?? tokenizer.size;
  const lengthLimit = (side: 'source' | 'target') =>
    withinPositions(
      side === 'source' ? 'encoder' : 'decoder',
      given.model,
      rules.maximumLength(facts[side], type(side), sizeOf(side)),
    );
  const data = {
    ...given.data,
    maxSourceLength: choices.take('data.maxSourceLength', given.data.maxSourceLength, () => lengthLimit('source')),
    maxTargetLength: choices.take('data.maxTargetLength', given.data.maxTargetLength, () => lengthLimit('target')),
  };
  const model = chooseModel(
    given.model,
    tokenizer.shared,
    rules.modelWidth(words, pairs, device, {
      repetitive: isRepetitive(facts),
      transformers: transformerWidths<number | 'auto'>(given.model.encoder, given.model.decoder).length,
    }),
    (width) => rules.dropoutRate(words, pairs, isRepetitive(facts), width),
    choices,
  );
  const perPair = tokensOf(facts.target, type('target'), sizeOf('target')) / Math.max(1, pairs) + 1;
  const training = chooseTraining(given, facts, perPair, device, choices);
  const { optimizer: givenOptimizer } = given.training;
  const optimizer = {
    ...givenOptimizer,
    learningRate: choices.take('training.optimizer.learningRate', givenOptimizer.learningRate, () =>
      rules.learningRate(givenOptimizer.name, {
        transformerWidth: transformerWidths(model.encoder, model.decoder)[0],
        fineTuning,
      }),
    ),
  };
  return { config: { ...given, tokenizer, data, model, training: { ...training, optimizer } }, choices: choices.all };
}

/** The size for both sides together, or for the side that needs more. */
function tokenizerSize(tokenizer: LoadedConfig['tokenizer'], facts: CorpusFacts): Chosen<number> {
  const { shared, type } = tokenizer;
  const { pairs, source, target, alphabet } = facts;
  if (shared) return rules.vocabularySize(type, amountOfText(facts), alphabet, pairs);
  const [ofSource, ofTarget] = [source, target].map((side, index) =>
    rules.vocabularySize(
      tokenizer[index === 0 ? 'source' : 'target']?.type ?? type,
      wordsOf(side),
      side.alphabet,
      pairs,
    ),
  ) as [Chosen<number>, Chosen<number>];
  return ofSource.value > ofTarget.value ? ofSource : ofTarget;
}

/** A length limit that leaves a learned position for `</s>`. */
function withinPositions(
  part: 'encoder' | 'decoder',
  model: LoadedConfig['model'],
  length: Chosen<number>,
): Chosen<number> {
  const side = model[part];
  if (side.type !== 'transformer' || side.positions !== 'learned' || length.value < side.maxPositions) return length;
  return { value: Math.max(1, side.maxPositions - 1), reason: `model.${part}.maxPositions is ${side.maxPositions}` };
}

/** The widths of those that are Transformers. */
function transformerWidths<Size>(...sides: readonly { readonly type: string; readonly hiddenSize: Size }[]): Size[] {
  return sides.filter(({ type }) => type === 'transformer').map(({ hiddenSize }) => hiddenSize);
}

/** @param perPair estimated target tokens of a pair, with `</s>` */
function chooseTraining(
  { training: given, model }: LoadedConfig,
  facts: CorpusFacts,
  perPair: number,
  device: DeviceKind,
  choices: Choices,
): Omit<Config['training'], 'optimizer'> {
  const { batch: givenBatch, validation: givenValidation } = given;
  const transformer = transformerWidths<number | 'auto'>(model.encoder, model.decoder).length > 0;
  const { epochPairs, pairs } = facts;
  const { unit, accumulate } = givenBatch;
  const batch = {
    ...givenBatch,
    size: choices.take('training.batch.size', givenBatch.size, () =>
      rules.batchSize(unit, PADDING * perPair * epochPairs, epochPairs, accumulate, device, transformer),
    ),
  };
  const perEpoch = unit === 'tokens' ? (PADDING * perPair * epochPairs) / batch.size : epochPairs / batch.size;
  const updatesPerEpoch = Math.max(1, Math.ceil(perEpoch / accumulate));

  const endsOtherwise = given.maxSteps !== undefined || given.maxMinutes !== undefined;
  const maxEpochs =
    given.maxEpochs === 'auto' && endsOtherwise
      ? undefined
      : given.maxEpochs &&
        choices.take('training.maxEpochs', given.maxEpochs, () =>
          rules.epochs(amountOfText(facts), pairs, updatesPerEpoch, { repetitive: isRepetitive(facts), transformer }),
        );
  const updates = Math.min(given.maxSteps ?? Infinity, (maxEpochs ?? Infinity) * updatesPerEpoch);
  const length = Number.isFinite(updates) ? updates : undefined;
  const warmupSteps = choices.take('training.schedule.warmupSteps', given.schedule.warmupSteps, () =>
    rules.warmupSteps(transformer || given.schedule.name === 'inverse-sqrt', length),
  );
  const schedule = { ...chooseSchedule(given.schedule, length, choices), warmupSteps };

  const interval = rules.validationInterval(updatesPerEpoch);
  const every = givenValidation.every;
  // A given number alone counts epochs, and a given unit alone gets the interval in that unit.
  const chosenUnit = choices.take('training.validation.unit', givenValidation.unit, () =>
    every === 'auto' ? interval.unit : { value: 'epochs', reason: 'training.validation.every is given' },
  );
  const inUnit = (): Chosen<number> => {
    const { value, reason } = interval.every;
    if (chosenUnit === interval.unit.value) return interval.every;
    return { value: chosenUnit === 'steps' ? updatesPerEpoch : Math.ceil(value / updatesPerEpoch), reason };
  };
  const validation = {
    ...givenValidation,
    every: choices.take('training.validation.every', every, inUnit),
    unit: chosenUnit,
  };
  const updatesBetween = validation.every * (chosenUnit === 'steps' ? 1 : updatesPerEpoch);
  const earlyStopping = {
    ...given.earlyStopping,
    patience: choices.take('training.earlyStopping.patience', given.earlyStopping.patience, () =>
      rules.earlyStoppingPatience(length === undefined ? undefined : Math.ceil(length / updatesBetween)),
    ),
  };
  return { ...given, batch, schedule, maxEpochs, validation, earlyStopping };
}

/** Padding and partly filled batches, as a factor of the target tokens. */
const PADDING = 1.05;

/** @param length updates of the whole training; undefined if it ends by time or by early stopping alone */
function chooseSchedule(
  given: LoadedConfig['training']['schedule'],
  length: number | undefined,
  choices: Choices,
): Omit<Config['training']['schedule'], 'warmupSteps'> {
  const name = choices.take<Config['training']['schedule']['name']>('training.schedule.name', given.name, () =>
    length === undefined
      ? { value: 'plateau', reason: 'the number of updates is not known' }
      : { value: 'exponential', reason: 'the number of updates is known' },
  );
  const isDecay = name === 'exponential' || name === 'step';
  if (isDecay && length !== undefined && given.start === 'auto' && given.interval === 'auto') {
    const { start, interval } = rules.decay(length);
    return {
      ...given,
      name,
      start: choices.take('training.schedule.start', given.start, () => start),
      interval: choices.take('training.schedule.interval', given.interval, () => interval),
    };
  }
  return {
    ...given,
    name,
    start: given.start === 'auto' ? DEFAULTS.start : given.start,
    interval: given.interval === 'auto' ? DEFAULTS.interval : given.interval,
  };
}

const DEFAULTS = configSchema.shape.training.parse({}).schedule;
