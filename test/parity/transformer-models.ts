import { configSchema, type ModelConfig } from '../../src/config/schema.js';
import type { Random } from '../../src/random.js';
import { between, pick } from './cases.js';

const ACTIVATIONS = ['relu', 'gelu', 'swish', 'swiglu'] as const;
/** More positions than any sentence or hypothesis of the batches has tokens. */
const POSITIONS = 64;

/**
 * A random Transformer, or a Transformer encoder with an LSTM decoder, or the reverse. Consecutive seeds cycle through
 * all options, in varying combinations.
 */
export function randomTransformer(seed: number, random: Random, hidden: readonly number[]): ModelConfig {
  const width = pick(random, hidden);
  const [encodes, decodes] = [seed % 4 !== 3, seed % 4 !== 2];
  const encoder = encodes
    ? randomLayers(seed, random, width)
    : { layers: between(random, 1, 2), hiddenSize: pick(random, hidden), bidirectional: seed % 8 < 4, dropout: 0 };
  const decoder = decodes
    ? { ...randomLayers(seed + 1, random, width), autoregression: seed % 3 === 1 ? 'ssru' : 'attention' }
    : randomRecurrentDecoder(seed, random, encoder.hiddenSize, hidden);
  return configSchema.shape.model.parse({
    embeddingSize: width,
    encoder,
    decoder,
    tieTargetEmbeddings: decoder.hiddenSize === width && random.integer(2) === 0,
    shareEmbeddings: random.integer(2) === 0,
    dropout: { embedding: 0, output: 0 },
    initialization: 1,
  });
}

function randomLayers(seed: number, random: Random, width: number) {
  const divisors = Array.from({ length: width }, (_, index) => index + 1).filter((heads) => width % heads === 0);
  return {
    type: 'transformer',
    layers: between(random, 1, 3),
    hiddenSize: width,
    heads: pick(random, divisors),
    feedForwardSize: between(random, 3, 2 * width),
    activation: ACTIVATIONS[seed % 4],
    normPosition: Math.floor(seed / 2) % 2 === 0 ? 'pre' : 'post',
    normalization: seed % 3 === 0 ? 'rms' : 'layer',
    positions: seed % 5 === 1 ? 'learned' : 'sinusoidal',
    maxPositions: POSITIONS,
    scaleEmbeddings: random.integer(3) > 0,
    dropout: 0,
    attentionDropout: 0,
    activationDropout: 0,
  };
}

function randomRecurrentDecoder(seed: number, random: Random, encoderSize: number, hidden: readonly number[]) {
  const attention = pick(random, ['general', 'dot', 'none', 'concat', 'scaled']);
  const bridge = attention === 'none' ? 'projection' : pick(random, ['projection', 'copy', 'zero']);
  const sameSize = attention === 'dot' || bridge === 'copy';
  return {
    type: 'lstm',
    layers: between(random, 1, 2),
    hiddenSize: sameSize ? encoderSize : pick(random, hidden),
    inputFeeding: seed % 8 === 2 && attention !== 'none',
    attention,
    bridge,
    dropout: 0,
  };
}
