import { nearest } from '../config/nearest.js';
import { configSchema, type ModelConfig } from '../config/schema.js';
import { UsageError } from '../errors.js';

/** Sizes of the synthetic work. */
export interface BatchShape {
  /** Sentence pairs of a batch. */
  readonly batch: number;
  /** Source tokens of every sentence. */
  readonly sourceTime: number;
  /** Target tokens of every sentence. */
  readonly targetTime: number;
  /** Tokens in the vocabularies. */
  readonly sourceVocabulary: number;
  readonly targetVocabulary: number;
}

/** The work of `s2s bench` where nothing else is asked for. */
export const STANDARD_SHAPE: BatchShape = {
  batch: 64,
  sourceTime: 25,
  targetTime: 25,
  sourceVocabulary: 8000,
  targetVocabulary: 8000,
};

const COMMON = { dropout: { embedding: 0.1, output: 0.1 } } as const;
const LAYERS = { type: 'lstm', hiddenSize: 512, dropout: 0.1 } as const;

/** The models measured, the same ones as in bench/peer_pytorch.py. */
const MODELS = {
  /** One bidirectional encoder layer of 256 a direction. */
  lstm: {
    ...COMMON,
    embeddingSize: 256,
    encoder: { ...LAYERS, layers: 1, bidirectional: true },
    decoder: { ...LAYERS, layers: 1, attention: 'general', bridge: 'zero' },
  },
  'lstm-deep': {
    ...COMMON,
    embeddingSize: 512,
    encoder: { ...LAYERS, layers: 2, bidirectional: false },
    decoder: { ...LAYERS, layers: 2, attention: 'dot', bridge: 'zero' },
  },
} as const;

/** Names of the models that can be measured. */
export const BENCHMARK_MODELS: readonly string[] = Object.keys(MODELS);

/**
 * Settings of a model that is measured, by its name.
 *
 * @throws UsageError `unknown-model`
 */
export function benchmarkModel(name: string): ModelConfig {
  if (Object.hasOwn(MODELS, name)) return configSchema.shape.model.parse(MODELS[name as keyof typeof MODELS]);
  const there = `There are: ${BENCHMARK_MODELS.join(', ')}.`;
  if (name === 'transformer')
    throw new UsageError('unknown-model', 'There is no Transformer in s2s yet, so none can be measured.', {
      hint: there,
    });
  const meant = nearest(name, BENCHMARK_MODELS);
  throw new UsageError('unknown-model', `There is no model ${name} to measure.`, {
    hint: meant === undefined ? there : `Did you mean ${meant}? ${there}`,
  });
}
