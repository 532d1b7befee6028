import { nearest } from '../config/nearest.js';
import { configSchema, type ModelConfig } from '../config/schema.js';
import { UsageError } from '../errors.js';

/** Sizes of a synthetic batch. */
export interface BatchShape {
  readonly batch: number;
  /** Source tokens of every sentence. */
  readonly sourceTime: number;
  /** Target tokens of every sentence. */
  readonly targetTime: number;
  /** Vocabulary sizes. */
  readonly sourceVocabulary: number;
  readonly targetVocabulary: number;
}

/** Default of `s2s bench`. */
export const DEFAULT_SHAPE: BatchShape = {
  batch: 64,
  sourceTime: 25,
  targetTime: 25,
  sourceVocabulary: 8000,
  targetVocabulary: 8000,
};

const COMMON = { dropout: { embedding: 0.1, output: 0.1 } } as const;
const TRANSFORMER = {
  type: 'transformer',
  layers: 3,
  hiddenSize: 512,
  heads: 8,
  feedForwardSize: 2048,
  dropout: 0.1,
} as const;
const RECURRENT = { hiddenSize: 512, dropout: 0.1 } as const;

/** One bidirectional encoder layer with 256 units per direction, one decoder layer. */
const shallow = (type: 'lstm' | 'gru') =>
  ({
    ...COMMON,
    embeddingSize: 256,
    encoder: { ...RECURRENT, type, layers: 1, bidirectional: true },
    decoder: { ...RECURRENT, type, layers: 1, attention: 'general', bridge: 'zero' },
  }) as const;

/** The models must equal those of bench/peer_pytorch.py. */
const MODELS = {
  lstm: shallow('lstm'),
  'lstm-deep': {
    ...COMMON,
    embeddingSize: 512,
    encoder: { ...RECURRENT, type: 'lstm', layers: 2, bidirectional: false },
    decoder: { ...RECURRENT, type: 'lstm', layers: 2, attention: 'dot', bridge: 'zero' },
  },
  gru: shallow('gru'),
  /** Half as deep as the base model of Vaswani et al. (2017), with normalisation before the sublayers. */
  transformer: { ...COMMON, embeddingSize: 512, encoder: TRANSFORMER, decoder: TRANSFORMER },
} as const;

export const BENCHMARK_MODELS: readonly string[] = Object.keys(MODELS);

/**
 * Returns the settings of a benchmark model.
 *
 * @throws UsageError `unknown-model`
 */
export function benchmarkModel(name: string): ModelConfig {
  if (Object.hasOwn(MODELS, name)) return configSchema.shape.model.parse(MODELS[name as keyof typeof MODELS]);
  const available = `Available models: ${BENCHMARK_MODELS.join(', ')}, and run directories of trained models.`;
  const suggestion = nearest(name, BENCHMARK_MODELS);
  throw new UsageError('unknown-model', `there is no benchmark model ${name}`, {
    hint: suggestion === undefined ? available : `Did you mean ${suggestion}? ${available}`,
  });
}
