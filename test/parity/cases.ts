import { configSchema, type ModelConfig, type TrainingConfig } from '../../src/config/schema.js';
import type { SearchOptions } from '../../src/decoding/search.js';
import { Random } from '../../src/random.js';
import type { SentencePair } from '../support/one-sentence.js';

/** A batch, and the number of its sources to translate. */
export interface ParityBatch {
  readonly pairs: readonly SentencePair[];
  readonly translate: number;
}

/** A model with its batches, as read by test/golden/parity/reference.py, without the weights. */
export interface ParityCase {
  /** Seed of the weights. */
  readonly seed: number;
  readonly model: ModelConfig;
  readonly vocabulary: { readonly source: number; readonly target: number };
  readonly training: TrainingConfig & { readonly update: number };
  readonly searches: readonly (SearchOptions & { readonly nBest: number })[];
  readonly batches: readonly ParityBatch[];
}

const FIRST_WORD = 4;
const ATTENTION = ['general', 'dot', 'none', 'concat', 'scaled'] as const;
const BRIDGES = ['projection', 'copy', 'zero'] as const;

/** Ranges of random cases. */
export interface CaseSizes {
  readonly hidden: readonly number[];
  readonly vocabulary: readonly number[];
  readonly batches: readonly BatchKind[];
}

export type BatchKind = (
  random: Random,
  pair: (sourceLength: number, targetLength: number) => SentencePair,
) => SentencePair[];

/** Draws a model with one of the hidden sizes; consecutive seeds cycle through its options. */
export type ModelDraw = (seed: number, random: Random, hidden: readonly number[]) => ModelConfig;

export const pick = <Item>(random: Random, items: readonly Item[]): Item => items[random.integer(items.length)]!;
const many = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));
export const between = (random: Random, first: number, last: number): number =>
  first + random.integer(last - first + 1);

/** Batch shapes of all kinds, including sizes around 16 and 64, the multiples to which rows are padded. */
export const BATCH_KINDS: Record<string, BatchKind> = {
  oneSentence: (random, pair) => [pair(between(random, 1, 24), between(random, 1, 24))],
  oneToken: (random, pair) => many(between(random, 1, 20), () => pair(1, 1)),
  sameLengths: (random, pair) => {
    const [source, target] = [between(random, 1, 9), between(random, 1, 9)];
    return many(between(random, 2, 12), () => pair(source, target));
  },
  ragged: (random, pair) =>
    many(between(random, 4, 12), (index) =>
      index === 1 ? pair(21, 1) : index === 2 ? pair(1, 18) : pair(between(random, 1, 3), between(random, 1, 3)),
    ),
  about16Sentences: (random, pair) =>
    many(between(random, 15, 17), () => pair(between(random, 1, 6), between(random, 1, 6))),
  about64Sentences: (random, pair) =>
    many(between(random, 63, 65), () => pair(between(random, 1, 3), between(random, 1, 3))),
  /** About 64 target tokens, without padding if possible. */
  about64Tokens: (random, pair) => many(between(random, 15, 17), () => pair(between(random, 1, 4), 3)),
  /** With padding, but with as many outputs as tokens rounded up to 64: 16 sentences, 4, 8 or 12 steps. */
  hiddenPadding: (random, pair) => {
    const steps = 4 * between(random, 1, 3);
    return many(16, (index) =>
      pair(between(random, 1, 5), index % 4 === 1 ? between(random, Math.max(1, steps - 3), steps - 1) : steps - 1),
    );
  },
  noTarget: (random, pair) => many(between(random, 1, 3), () => pair(between(random, 1, 3), 0)),
  anyLengths: (random, pair) =>
    many(between(random, 1, 24), () => pair(between(random, 1, 12), between(random, 1, 12))),
};

/**
 * A random case. Consecutive seeds cycle through all attentions, bridges, numbers of layers and so on, in varying
 * combinations.
 *
 * @param drawModel the family of models; plain LSTM models by default
 */
export function randomCase(seed: number, sizes: CaseSizes, drawModel: ModelDraw = randomModel): ParityCase {
  const random = new Random(seed).derive('parity');
  const model = drawModel(seed, random, sizes.hidden);
  const target = pick(random, sizes.vocabulary);
  const vocabulary = { source: model.shareEmbeddings ? target : pick(random, sizes.vocabulary), target };
  const ids = (length: number, size: number): number[] => many(length, () => between(random, FIRST_WORD, size - 1));
  const pair = (sourceLength: number, targetLength: number): SentencePair => ({
    source: ids(sourceLength, vocabulary.source),
    target: ids(targetLength, vocabulary.target),
  });
  const beamSize = between(random, 2, 6);
  return {
    seed,
    model,
    vocabulary,
    training: randomTraining(seed, random),
    searches: [
      { beamSize: 1, nBest: 1, lengthPenalty: 1, maxLengthRatio: 1.5, maxLengthMargin: 5, noRepeatNgramSize: seed % 3 },
      {
        beamSize,
        nBest: between(random, 1, beamSize),
        lengthPenalty: pick(random, [0, 0.6, 1]),
        maxLengthRatio: 1.3,
        maxLengthMargin: between(random, 0, 6),
        noRepeatNgramSize: seed % 4,
      },
    ],
    batches: sizes.batches.map((draw) => {
      const pairs = draw(random, pair);
      return { pairs, translate: Math.min(3, pairs.length) };
    }),
  };
}

/** A model of LSTM layers with attention after them. */
export function randomModel(seed: number, random: Random, hidden: readonly number[]): ModelConfig {
  const attention = ATTENTION[seed % 5]!;
  const inputFeeding = seed % 4 === 1 && attention !== 'none';
  // Without attention, only the bridge connects encoder and decoder.
  const bridge = attention === 'none' && seed % 3 === 2 ? 'projection' : BRIDGES[seed % 3]!;
  const encoder = {
    layers: between(random, 1, 3),
    hiddenSize: pick(random, hidden),
    bidirectional: seed % 7 < 4,
    dropout: 0,
  };
  const sameSize = attention === 'dot' || bridge === 'copy';
  const decoder = {
    layers: bridge === 'copy' ? encoder.layers : between(random, 1, 3),
    hiddenSize: sameSize ? encoder.hiddenSize : pick(random, hidden),
    inputFeeding,
    attention,
    bridge,
    dropout: 0,
  };
  const tieTargetEmbeddings = random.integer(3) === 0;
  return configSchema.shape.model.parse({
    embeddingSize: tieTargetEmbeddings ? decoder.hiddenSize : pick(random, hidden) + random.integer(3),
    encoder,
    decoder,
    tieTargetEmbeddings,
    shareEmbeddings: random.integer(3) === 0,
    dropout: { embedding: 0, output: 0 },
    initialization: 1,
  });
}

function randomTraining(seed: number, random: Random): ParityCase['training'] {
  const decoupled = random.integer(2) === 0;
  const training = configSchema.shape.training.parse({
    labelSmoothing: pick(random, [0, 0.1, 0.3]),
    lossNormalization: seed % 2 === 0 ? 'token' : 'sentence',
    // Gradients are always clipped in the first case, and sometimes in the second.
    clipNorm: pick(random, [0.01, 1, 0]),
    optimizer: {
      name: decoupled ? 'adamw' : 'adam',
      learningRate: 0.05,
      weightDecay: decoupled ? 0.2 : 0,
      beta1: 0.8,
      beta2: 0.98,
    },
  });
  return { ...training, update: between(random, 1, 20) };
}
