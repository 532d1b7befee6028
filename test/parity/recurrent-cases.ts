import { configSchema, type ModelConfig } from '../../src/config/schema.js';
import type { Random } from '../../src/random.js';
import { between, pick } from './cases.js';

/** Attention after the recurrence with one or more heads, and attention inside it. */
const ATTENTION = ['bahdanau', 'general', 'bahdanau', 'concat', 'bahdanau', 'scaled', 'none'] as const;

/**
 * A random recurrent model with the settings that the models of cases.ts do not have. Consecutive seeds cycle through
 * the settings, in varying combinations.
 */
export function randomRecurrentModel(seed: number, random: Random, hidden: readonly number[]): ModelConfig {
  const cells = ['gru', 'lstm'] as const;
  const attention = ATTENTION[seed % ATTENTION.length]!;
  const additive = attention === 'bahdanau' || attention === 'concat';
  const encoderLayers = between(random, 1, 3);
  const encoderSize = pick(random, hidden);
  const encoder = {
    // Both cells, and every pair of different ones.
    type: cells[seed % 3 === 1 ? 1 : 0],
    layers: encoderLayers,
    hiddenSize: encoderSize,
    bidirectional: ([true, 'first', false] as const)[seed % 3],
    ...(seed % 4 === 0 && encoderLayers > 1 ? { residualFrom: 2 } : {}),
    dropout: 0,
  };
  const layers = between(random, 1, 3);
  const hiddenSize = pick(random, hidden);
  const residualFrom = seed % 5 === 1 ? 1 : Math.min(2, layers);
  const hasResidual = seed % 5 < 2 && (layers > 1 || residualFrom === 1);
  const coverage = additive && seed % 2 === 0;
  const decoder = {
    type: cells[seed % 3 === 2 ? 1 : 0],
    layers,
    hiddenSize,
    attention,
    attentionHeads: attention !== 'none' && seed % 3 !== 1 ? 2 : 1,
    contextLayers: attention === 'bahdanau' && layers > 1 && random.integer(2) === 0 ? 'all' : 'first',
    coverage,
    coverageLoss: coverage && random.integer(3) > 0 ? 0.5 : 0,
    inputFeeding: attention !== 'bahdanau' && attention !== 'none' && random.integer(3) === 0,
    bridge: attention === 'none' || seed % 2 === 0 ? 'projection' : 'zero',
    ...(hasResidual ? { residualFrom } : {}),
    dropout: 0,
  };
  return configSchema.shape.model.parse({
    embeddingSize: hasResidual && residualFrom === 1 ? hiddenSize : pick(random, hidden),
    encoder,
    decoder,
    dropout: { embedding: 0, output: 0 },
    initialization: 1,
  });
}
