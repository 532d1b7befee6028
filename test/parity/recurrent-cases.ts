import { configSchema, type ModelConfig } from '../../src/config/schema.js';
import type { Random } from '../../src/random.js';
import { between, pick } from './cases.js';

const ATTENTION = ['general', 'concat', 'none', 'scaled'] as const;

/**
 * A random recurrent model with the settings that the models of cases.ts do not have. Consecutive seeds cycle through
 * the settings.
 */
export function randomRecurrentModel(seed: number, random: Random, hidden: readonly number[]): ModelConfig {
  const cells = ['gru', 'lstm'] as const;
  const attention = ATTENTION[seed % ATTENTION.length]!;
  const encoder = {
    // Both cells, and every pair of different ones.
    type: cells[seed % 3 === 1 ? 1 : 0],
    layers: between(random, 1, 3),
    hiddenSize: pick(random, hidden),
    bidirectional: seed % 5 < 3,
    dropout: 0,
  };
  const decoder = {
    type: cells[seed % 3 === 2 ? 1 : 0],
    layers: between(random, 1, 3),
    hiddenSize: pick(random, hidden),
    inputFeeding: seed % 4 === 1,
    attention,
    bridge: attention === 'none' || seed % 2 === 0 ? 'projection' : 'zero',
    dropout: 0,
  };
  return configSchema.shape.model.parse({
    embeddingSize: pick(random, hidden),
    encoder,
    decoder,
    dropout: { embedding: 0, output: 0 },
    initialization: 1,
  });
}
