import { configSchema, type ModelConfig } from '../../src/config/schema.js';
import type { Batch } from '../../src/data/batch.js';
import { BOS, EOS } from '../../src/vocab/special.js';

/** Overrides for the settings of the tiny model. */
export type TinyDifferences = Omit<Record<string, unknown>, 'encoder' | 'decoder'> & {
  readonly encoder?: Record<string, unknown>;
  readonly decoder?: Record<string, unknown>;
};

/** Settings of a tiny model without dropout. */
export function tinyModel(differences: TinyDifferences = {}): ModelConfig {
  const base = {
    embeddingSize: 5,
    dropout: { embedding: 0, output: 0 },
    initialization: 0.5,
  };
  const { encoder, decoder, ...others } = differences;
  return configSchema.shape.model.parse({
    ...base,
    ...others,
    encoder:
      encoder?.['type'] === 'transformer' ? { ...TINY_TRANSFORMER, ...encoder } : { ...TINY_ENCODER, ...encoder },
    decoder:
      decoder?.['type'] === 'transformer' ? { ...TINY_TRANSFORMER, ...decoder } : { ...TINY_DECODER, ...decoder },
  });
}

const TINY_ENCODER = { layers: 1, hiddenSize: 6, bidirectional: true, dropout: 0 };
const TINY_DECODER = { layers: 1, hiddenSize: 6, inputFeeding: false, dropout: 0 };
/** Needs `embeddingSize: 6`. */
const TINY_TRANSFORMER = {
  layers: 1,
  hiddenSize: 6,
  heads: 2,
  feedForwardSize: 8,
  dropout: 0,
  attentionDropout: 0,
  activationDropout: 0,
};

/** A padded batch of pairs of ids (without special tokens), with extra columns of padding. */
export function batchOf(
  pairs: readonly { source: readonly number[]; target: readonly number[] }[],
  extraPadding = 0,
): Batch {
  const sourceTime = Math.max(...pairs.map(({ source }) => source.length)) + 1 + extraPadding;
  const targetTime = Math.max(...pairs.map(({ target }) => target.length)) + 1 + extraPadding;
  const source = new Int32Array(pairs.length * sourceTime);
  const decoderInput = new Int32Array(pairs.length * targetTime);
  const labels = new Int32Array(pairs.length * targetTime);
  for (const [row, pair] of pairs.entries()) {
    source.set([...pair.source, EOS], row * sourceTime);
    decoderInput.set([BOS, ...pair.target], row * targetTime);
    labels.set([...pair.target, EOS], row * targetTime);
  }
  return {
    batch: pairs.length,
    sourceTime,
    targetTime,
    source,
    decoderInput,
    labels,
    sourceLengths: Int32Array.from(pairs, ({ source: ids }) => ids.length + 1),
    targetLengths: Int32Array.from(pairs, ({ target: ids }) => ids.length + 1),
    indices: Int32Array.from(pairs.keys()),
  };
}

/** Three pairs of different lengths over a vocabulary of 12. */
export const THREE_PAIRS = [
  { source: [4, 5, 6, 7], target: [8, 9] },
  { source: [10], target: [11, 4, 5, 6] },
  { source: [7, 8, 9], target: [10, 11, 4] },
] as const;
