import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { benchmarkModel, DEFAULT_SHAPE } from '../../../src/benchmark/models.js';
import type { ModelConfig } from '../../../src/config/schema.js';
import { buildModel } from '../../../src/model/build.js';
import type { BatchShape } from '../../../src/data/batch.js';
import { trainingBytes, trainingFlops, type Cost } from '../../../src/model/cost.js';
import type { SequenceToSequenceModel } from '../../../src/model/sequence-to-sequence.js';
import { PORTABLE_POLICY } from '../../../src/runtime/policy.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { tinyModel, type TinyDifferences } from '../../support/models.js';

const SHAPE: BatchShape = { sentences: 2, sourceTime: 3, targetTime: 4 };
const VOCABULARY = { source: 9, target: 11 };

function costOf(config: ModelConfig, vocabulary: { source: number; target: number }, shape: BatchShape): Cost {
  const model = buildModel(config, vocabulary, {
    random: undefined,
    policy: PORTABLE_POLICY,
  }) as SequenceToSequenceModel;
  try {
    return model.cost(shape);
  } finally {
    model.dispose();
  }
}

/** Multiplications of each matrix product of the forward pass of a tiny model, by name. */
function forward(differences: TinyDifferences): Record<string, number> {
  const { products } = costOf(tinyModel(differences), VOCABULARY, SHAPE);
  const byName = Object.fromEntries(
    products.map(({ name, count, rows, inner, columns }) => [name, count * rows * inner * columns]),
  );
  assert.equal(Object.keys(byName).length, products.length, 'every product has a name of its own');
  return byName;
}

describe('cost of a training step', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  test('products of a small model equal those counted by hand', () => {
    // Embedding 5, encoder 2 directions of 3, decoder 6; 2 sentences of 3 source and 4 target tokens.
    assert.deepEqual(forward({ decoder: { attention: 'general', bridge: 'projection' } }), {
      'encoder.layers.0.forward.input': 6 * 5 * 12,
      'encoder.layers.0.forward.recurrent': 3 * (2 * 3 * 12),
      'encoder.layers.0.backward.input': 6 * 5 * 12,
      'encoder.layers.0.backward.recurrent': 3 * (2 * 3 * 12),
      bridge: 2 * (2 * 6 * 6),
      'decoder.layers.0.input': 8 * 5 * 24,
      'decoder.layers.0.recurrent': 4 * (2 * 6 * 24),
      'attention.keys': 6 * 6 * 6,
      'attention.scores': 2 * (4 * 6 * 3),
      'attention.context': 2 * (4 * 3 * 6),
      'attention.output': 8 * 12 * 6,
      output: 8 * 6 * 11,
    });
  });

  test('products of a small Transformer equal those counted by hand', () => {
    // Width 6, 2 heads of 3, feed-forward 8; 2 sentences of 3 source and 4 target tokens.
    const layers = { type: 'transformer' };
    const encoder = {
      'encoder.layers.0.selfAttention.projection': 6 * 6 * 18,
      'encoder.layers.0.selfAttention.scores': 4 * (3 * 3 * 3),
      'encoder.layers.0.selfAttention.context': 4 * (3 * 3 * 3),
      'encoder.layers.0.selfAttention.output': 6 * 6 * 6,
      'encoder.layers.0.feedForward.input': 6 * 6 * 8,
      'encoder.layers.0.feedForward.output': 6 * 8 * 6,
    };
    const crossAttention = {
      'decoder.layers.0.crossAttention.query': 8 * 6 * 6,
      'decoder.layers.0.crossAttention.memory': 6 * 6 * 12,
      'decoder.layers.0.crossAttention.scores': 4 * (4 * 3 * 3),
      'decoder.layers.0.crossAttention.context': 4 * (4 * 3 * 3),
      'decoder.layers.0.crossAttention.output': 8 * 6 * 6,
    };
    assert.deepEqual(forward({ embeddingSize: 6, encoder: layers, decoder: layers }), {
      ...encoder,
      'decoder.layers.0.selfAttention.projection': 8 * 6 * 18,
      'decoder.layers.0.selfAttention.scores': 4 * (4 * 3 * 4),
      'decoder.layers.0.selfAttention.context': 4 * (4 * 4 * 3),
      'decoder.layers.0.selfAttention.output': 8 * 6 * 6,
      ...crossAttention,
      'decoder.layers.0.feedForward.input': 8 * 6 * 8,
      'decoder.layers.0.feedForward.output': 8 * 8 * 6,
      output: 8 * 6 * 11,
    });
    const decoder = { ...layers, autoregression: 'ssru', activation: 'swiglu' };
    assert.deepEqual(forward({ embeddingSize: 6, encoder: layers, decoder }), {
      ...encoder,
      'decoder.layers.0.ssru.input': 8 * 6 * 12,
      ...crossAttention,
      'decoder.layers.0.feedForward.input': 8 * 6 * 16,
      'decoder.layers.0.feedForward.output': 8 * 8 * 6,
      output: 8 * 6 * 11,
    });
  });

  test('settings add and remove products', () => {
    const base = forward({ decoder: { attention: 'dot', bridge: 'zero' } });
    assert.equal('bridge' in base || 'attention.keys' in base, false);
    const copied = forward({ decoder: { attention: 'dot', bridge: 'copy' } });
    assert.deepEqual(copied, base);
    const withoutAttention = forward({ decoder: { attention: 'none', bridge: 'zero' } });
    assert.deepEqual(
      Object.keys(withoutAttention).filter((name) => name.startsWith('attention')),
      [],
    );
    const concat = forward({ decoder: { attention: 'concat' } });
    assert.equal(concat['attention.queries'], 8 * 6 * 6);
    assert.equal(concat['attention.scores'], 8 * 3 * 6);
    const deep = forward({
      encoder: { layers: 2, hiddenSize: 6, bidirectional: false },
      decoder: { layers: 2, hiddenSize: 6, inputFeeding: true },
    });
    assert.equal(deep['encoder.layers.0.forward.input'], 6 * 5 * 24);
    assert.equal(deep['encoder.layers.1.forward.input'], 6 * 6 * 24);
    assert.equal('encoder.layers.0.backward.input' in deep, false);
    assert.equal(deep['decoder.layers.0.input'], 8 * (5 + 6) * 24);
    assert.equal(deep['decoder.layers.1.input'], 8 * 6 * 24);
  });

  test('a step has six operations for every multiplication of the forward pass', () => {
    const decoder = { attention: 'dot' };
    const multiplications = Object.values(forward({ decoder })).reduce((sum, count) => sum + count, 0);
    assert.equal(trainingFlops(costOf(tinyModel({ decoder }), VOCABULARY, SHAPE)), 6 * multiplications);
  });

  test('the benchmark models have six operations for every weight and token', () => {
    // Weights in products, counted by hand. The products within the attention are counted separately.
    const lstm = 2 * (256 * 1024 + 256 * 1024) + 512 * 512 + (256 * 2048 + 512 * 2048) + 1024 * 512 + 512 * 8000;
    const gru = 2 * (256 * 768 + 256 * 768) + 512 * 512 + (256 * 1536 + 512 * 1536) + 1024 * 512 + 512 * 8000;
    const deep = 8 * 512 * 2048 + 1024 * 512 + 512 * 8000;
    const attention = 64 * 2 * 25 * 25 * 512;
    const { batch: sentences, sourceVocabulary: source, targetVocabulary: target, ...times } = DEFAULT_SHAPE;
    const flops = (name: string): number =>
      trainingFlops(costOf(benchmarkModel(name), { source, target }, { sentences, ...times }));
    assert.equal(flops('lstm'), 6 * (1600 * lstm + attention));
    assert.equal(flops('gru'), 6 * (1600 * gru + attention));
    assert.equal(flops('lstm-deep'), 6 * (1600 * deep + attention));
  });

  test('the memory of a step is proportional to the number of sentences, and enough for the logits', () => {
    const bytes = (sentences: number, vocabulary = VOCABULARY): number =>
      trainingBytes(costOf(tinyModel(), vocabulary, { ...SHAPE, sentences }));
    assert.equal(bytes(6), 3 * bytes(2));
    const difference = bytes(2, { ...VOCABULARY, target: 1011 }) - bytes(2);
    assert.ok(difference >= 1000 * 8 * 4, `1000 more target tokens take ${difference} bytes more`);
  });
});
