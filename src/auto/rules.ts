import type { TokenizerConfig } from '../config/schema.js';
import type { SideFacts } from '../data/facts.js';
import { tokensOf } from './estimates.js';

/*
 * The values of settings that are `auto`, each from counts of the training text. docs/auto.md has the measurements.
 *
 * Sources:
 * [SZ19]  Sennrich and Zhang (2019), Revisiting Low-Resource Neural Machine Translation: small vocabularies, small
 *         batches, tied embeddings and strong dropout for little text.
 * [GM20]  Gowda and May (2020, findings-emnlp 352), Finding the Optimal Vocabulary Size for Neural Machine Translation,
 *         and the table of mozilla/translations after it: 30,000 pairs want 1,000 to 6,000 pieces, 500,000 pairs 4,000
 *         to 16,000, millions 32,000.
 * [AL20]  Araabi and Monz (2020, arXiv 2011.02266), Optimizing Transformer for Low-Resource NMT: up to 7 BLEU from
 *         settings that fit the amount of text, above all from dropout and vocabulary size.
 * [PR]    configs/multi30k-de-en.yaml: 29,000 pairs, 6,000 pieces, batches of 1,024 tokens, 18 epochs, of which the
 *         last 8 halve the rate 5 times.
 * [TF]    configs/multi30k-transformer.yaml: 29,000 pairs, 128 columns, batches of 2,048 tokens, 36 epochs, a rate of
 *         0.004.
 * [DE]    configs/demo.yaml: 24,000 pairs from a grammar, 256 wide, dropout 0.1, 10 epochs.
 */

/** The reason of the values for repetitive text. */
const REPEATS = 'the text repeats few words';

/** The kind of device that trains. */
export type DeviceKind = 'cpu' | 'gpu';

/** A value and why it was chosen. */
export interface Chosen<Value> {
  readonly value: Value;
  readonly reason: string;
}

/** Characters of an alphabet that the size of a vocabulary allows for. */
const ORDINARY_ALPHABET = 200;

/**
 * Vocabulary size: it grows with a power of the words, through 3,000 at 220,000 words (17,000 short pairs),
 * 4,500 for 29,000 pairs, 16,000 for 500,000 and 32,000 for 3 million pairs [GM20]. The characters of a large alphabet,
 * such as the Chinese, come on top of that, and are at most half of a subword vocabulary.
 *
 * @param alphabet distinct characters of the text that the vocabulary covers
 */
export function vocabularySize(
  type: TokenizerConfig['type'],
  words: number,
  alphabet: number,
  pairs: number,
): Chosen<number> {
  if (type === 'char') {
    const value = clamp(roundUp(alphabet + 4, 100), 100, 32_000);
    return { value, reason: `${show(alphabet)} distinct characters` };
  }
  const pieces = 3000 * (words / 220_000) ** 0.36;
  if (type === 'word') {
    // Words need more entries than subwords; a rare word has too few examples to be learned.
    return { value: clamp(roundTo(3 * pieces, 500), 2000, 50_000), reason: textOf(pairs, words) };
  }
  const bySize = clamp(roundTo(pieces, pieces < 10_000 ? 100 : 1000), 500, 32_000);
  const byAlphabet = Math.min(
    roundUp(Math.max(2 * (alphabet + 5), bySize + alphabet - ORDINARY_ALPHABET), 100),
    64_000,
  );
  return byAlphabet > bySize
    ? { value: byAlphabet, reason: `${show(alphabet)} distinct characters, besides subwords` }
    : { value: bySize, reason: textOf(pairs, words) };
}

/**
 * Length limit in tokens: that of the longest 0.5 % of the sentences and a quarter more, from 60 to 250. Longer pairs
 * are few, mostly misaligned, and determine the memory of a batch.
 */
export function maximumLength(side: SideFacts, type: TokenizerConfig['type'], size: number): Chosen<number> {
  const perCharacter = tokensOf(side, type, size) / Math.max(1, side.characters);
  const tokens = type === 'word' ? 1.15 * side.longWords : perCharacter * side.longCharacters;
  const largest = type === 'char' ? 500 : 250;
  return {
    value: clamp(roundUp(1.25 * tokens, 10), 60, largest),
    reason: `99.5 % of the sentences have at most ${show(side.longCharacters)} characters`,
  };
}

/** Updates in an epoch that batches leave at least, if the text is not tiny [SZ19]. */
const UPDATES_PER_EPOCH = 350;
/** The same for Transformers, which need larger batches, and more epochs for as many updates [TF]. */
const UPDATES_OF_TRANSFORMER = 175;
/** Target tokens of an epoch below which batches may be smaller than 512 tokens. */
const VERY_FEW_TOKENS = 50_000;
/** Target tokens of an epoch below which batches on a CPU have at most 1,024 tokens. */
const FEW_TOKENS = 1_000_000;

/**
 * Batch size: the power of two that leaves about 350 updates per epoch [SZ19], or 175 for a Transformer [TF]. It has at
 * least 512 target tokens, below which updates get hardly faster, or 256 for very little text; at most 8,192 on a GPU,
 * and on a CPU 2,048, or 1,024 for little text and a recurrent model. In sentences, 16 to 128. Batches of 2,048 tokens
 * leave 17,000 short pairs 48 updates per epoch, with which BLEU stayed at 0.4.
 *
 * @param epochTokens target tokens of an epoch, with `</s>`
 */
export function batchSize(
  unit: 'tokens' | 'sentences',
  epochTokens: number,
  epochPairs: number,
  accumulate: number,
  device: DeviceKind,
  transformer: boolean,
): Chosen<number> {
  const largest = device === 'gpu' ? 8192 : epochTokens < FEW_TOKENS && !transformer ? 1024 : 2048;
  const perEpoch = transformer ? UPDATES_OF_TRANSFORMER : UPDATES_PER_EPOCH;
  const smallest = epochTokens < VERY_FEW_TOKENS ? 256 : 512;
  const [amount, least, most] = unit === 'tokens' ? [epochTokens, smallest, largest] : [epochPairs, 16, 128];
  const value = clamp(2 ** Math.round(Math.log2(amount / perEpoch / accumulate)), least, most);
  const updates = Math.ceil(amount / value / accumulate);
  return { value, reason: `about ${show(twoDigits(updates))} updates per epoch` };
}

/**
 * Width of embeddings and hidden states. Little text cannot use a wide model, and on a CPU the time of an update grows
 * with the square of the width.
 *
 * @param transformers how many of encoder and decoder are Transformers, whose many layers make up for their width
 */
export function modelWidth(
  words: number,
  pairs: number,
  device: DeviceKind,
  { repetitive, transformers }: { readonly repetitive: boolean; readonly transformers: number },
): Chosen<number> {
  const forTransformer = `${textOf(pairs, words)}, for a Transformer`;
  if (transformers === 2 && words < 1_000_000) return { value: 128, reason: forTransformer };
  if (repetitive) return { value: 256, reason: REPEATS };
  if (transformers > 0 && words < 3_000_000) return { value: 256, reason: forTransformer };
  const reason = `${textOf(pairs, words)}, on a ${device.toUpperCase()}`;
  return { value: words >= 20_000_000 && device === 'gpu' ? 1024 : 512, reason };
}

/** Width up to which a model is too small to overfit much. */
const NARROW = 128;

/**
 * Dropout: 0.4 for little text, 0.1 for much [SZ19, AL20]; a repetitive text leaves little to overfit [DE], and so does
 * a narrow model [TF].
 */
export function dropoutRate(words: number, pairs: number, repetitive: boolean, width: number): Chosen<number> {
  if (repetitive) return { value: 0.1, reason: REPEATS };
  const steps = [150_000, 3_000_000, 30_000_000].filter((limit) => words < limit).length;
  const value = (1 + (width <= NARROW ? Math.max(0, steps - 1) : steps)) / 10;
  return { value, reason: width <= NARROW ? `${textOf(pairs, words)}, ${width} columns` : textOf(pairs, words) };
}

/** Words up to which the number of updates decides how long a training is. */
const LITTLE_TEXT = 670_000;
/** Updates that a model of `LITTLE_TEXT` words needs. */
const UPDATES = 6000;
/** Less text is learned, and overfitted, in fewer updates. */
const UPDATES_EXPONENT = 0.2;
/** Transformers are trained for more epochs: 36 for `LITTLE_TEXT` [TF]. */
const EPOCHS_OF_TRANSFORMER = 2.25;

/**
 * Passes over the training text: some 6,000 updates for 670,000 words and fewer for less text, but at most 60 passes,
 * and at most 16 of 670,000 words; fewer passes over more text, but at least 3. Fewer for repetitive text [DE]. More
 * for a Transformer [TF], whatever the number of updates, and at most 100.
 */
export function epochs(
  words: number,
  pairs: number,
  updatesPerEpoch: number,
  { repetitive, transformer }: { readonly repetitive: boolean; readonly transformer: boolean },
): Chosen<number> {
  const [factor, most] = transformer ? [EPOCHS_OF_TRANSFORMER, 100] : [1, 60];
  if (repetitive)
    return { value: clamp(Math.round(8 * factor * (LITTLE_TEXT / words) ** 0.4), 2, most), reason: REPEATS };
  const share = factor * (LITTLE_TEXT / words) ** 0.3;
  const updates = UPDATES * (words / LITTLE_TEXT) ** UPDATES_EXPONENT;
  const byUpdates = updates / updatesPerEpoch;
  if (words <= LITTLE_TEXT && byUpdates <= 16 * share && !transformer) {
    return { value: clamp(Math.round(byUpdates), 3, 60), reason: `some ${show(twoDigits(updates))} updates` };
  }
  return { value: clamp(Math.round((words <= LITTLE_TEXT ? 16 : 13) * share), 3, most), reason: textOf(pairs, words) };
}

/** Share of the updates before the rate decays [PR]. */
const DECAY_START = 0.55;
/** Halvings between there and the last update: the rate ends at 1/32 [PR]. */
const HALVINGS = 5;

/** Start and interval of the decay, in updates, for a training of known length. */
export function decay(updates: number): { readonly start: Chosen<number>; readonly interval: Chosen<number> } {
  const start = roundTo(DECAY_START * updates, 10);
  const interval = Math.max(1, Math.round((updates - start) / HALVINGS));
  const last = `${show(updates)} updates`;
  return {
    start: { value: start, reason: `${Math.round(100 * DECAY_START)} % of ${last}` },
    interval: { value: interval, reason: `${HALVINGS} halvings until the last of ${last}` },
  };
}

/** Learning rates of a new model: Adam as measured in docs/auto.md, SGD as in Luong et al. (2015). */
const LEARNING_RATES = { adam: 0.002, adamw: 0.002, sgd: 1 } as const;
/**
 * Adam for a Transformer, after a warm-up, times its width: 0.004 for 128 columns [TF], 0.001 for 512 and 0.0005 for
 * 1,024, near the 0.0007 for 512 of Vaswani et al. (2017).
 */
const TRANSFORMER_RATE = 0.5;
/** A trained model forgets less at a lower rate. */
const FINE_TUNING = 0.25;

/**
 * Base learning rate of an optimiser.
 *
 * @param transformerWidth `hiddenSize` of a Transformer; undefined if neither encoder nor decoder is one
 * @param fineTuning whether training starts from a trained model
 */
export function learningRate(
  optimizer: keyof typeof LEARNING_RATES,
  { transformerWidth, fineTuning }: { readonly transformerWidth: number | undefined; readonly fineTuning: boolean },
): Chosen<number> {
  const ofWidth = transformerWidth !== undefined && optimizer !== 'sgd';
  const rate = ofWidth ? Math.min(0.004, twoDigits(TRANSFORMER_RATE / transformerWidth)) : LEARNING_RATES[optimizer];
  const reason = ofWidth ? `${optimizer} for a Transformer of ${transformerWidth} columns` : optimizer;
  return fineTuning
    ? { value: FINE_TUNING * rate, reason: `${reason}, from a trained model` }
    : { value: rate, reason };
}

/** Updates of the warm-up of a Transformer [AL20], and their largest share of a training. */
const WARMUP = 4000;
const WARMUP_SHARE = 0.1;

/**
 * Updates of linear warm-up. Without them, Adam makes a Transformer diverge or learn slowly (Vaswani et al. 2017).
 *
 * @param needed whether the model is a Transformer, or the schedule starts from the end of the warm-up
 * @param updates of the whole training; undefined if they are not known
 */
export function warmupSteps(needed: boolean, updates: number | undefined): Chosen<number> {
  if (!needed) return { value: 0, reason: 'recurrent models need none' };
  return updates === undefined
    ? { value: WARMUP / 4, reason: 'the number of updates is not known' }
    : {
        value: clamp(roundTo(WARMUP_SHARE * updates, 10), 1, WARMUP),
        reason: `${100 * WARMUP_SHARE} % of ${show(updates)} updates`,
      };
}

/** Updates between validations where an epoch has fewer than half as many, or more than `LONGEST_INTERVAL`. */
const SHORTEST_INTERVAL = 300;
const LONGEST_INTERVAL = 5000;

/** Validation interval: an epoch, or a number of updates where epochs are very short or very long. */
export function validationInterval(updatesPerEpoch: number): {
  readonly every: Chosen<number>;
  readonly unit: Chosen<'steps' | 'epochs'>;
} {
  const reason = `about ${show(twoDigits(updatesPerEpoch))} updates per epoch`;
  const every = clamp(updatesPerEpoch, SHORTEST_INTERVAL, LONGEST_INTERVAL);
  if (every > 2 * updatesPerEpoch || every < updatesPerEpoch)
    return { every: { value: every, reason }, unit: { value: 'steps', reason } };
  return { every: { value: 1, reason }, unit: { value: 'epochs', reason } };
}

/**
 * Patience of early stopping: 40 % of the validations of a training of known length, so that it ends early only if the
 * score has stopped improving long before the rate decays; 10 validations otherwise.
 */
export function earlyStoppingPatience(validations: number | undefined): Chosen<number> {
  if (validations === undefined) return { value: 10, reason: 'the length of the training is not known' };
  return { value: Math.max(5, Math.ceil(0.4 * validations)), reason: `40 % of some ${show(validations)} validations` };
}

/** `17,066 pairs, 220,000 words` */
function textOf(pairs: number, words: number): string {
  return `${show(pairs)} ${pairs === 1 ? 'pair' : 'pairs'}, ${show(twoDigits(words))} words`;
}

export function show(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** Rounds to two significant digits. */
function twoDigits(value: number): number {
  return Number(value.toPrecision(2));
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function roundTo(value: number, unit: number): number {
  return unit * Math.round(value / unit);
}

function roundUp(value: number, unit: number): number {
  return unit * Math.ceil(value / unit);
}
