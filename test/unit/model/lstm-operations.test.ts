import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { benchmarkModel } from '../../../src/benchmark/models.js';
import type { BatchShape } from '../../../src/data/batch.js';
import { forwardProducts, trainingFlops } from '../../../src/model/lstm-operations.js';
import { tinyModel } from '../../support/models.js';

const SHAPE: BatchShape = { sentences: 2, sourceTime: 3, targetTime: 4 };
const STANDARD_SHAPE: BatchShape = { sentences: 64, sourceTime: 25, targetTime: 25 };

/** Multiplications and additions of the forward pass by name. */
function forward(differences: Record<string, unknown>): Record<string, number> {
  return Object.fromEntries(forwardProducts(tinyModel(differences), 11, SHAPE).map(({ name, count, rows, inner, columns }) => [name, count * rows * inner * columns]));
}

describe('operations of a training step', () => {
  test('every product of a small model, counted by hand', () => {
    // Embedding 5, encoder 2 directions of 3, decoder 6; 2 sentences of 3 source and 4 target tokens.
    assert.deepEqual(forward({ attention: 'general', bridge: 'projection' }), {
      'encoder.layers.0.input': 2 * (6 * 5 * 12),
      'encoder.layers.0.recurrent': 2 * 3 * (2 * 3 * 12),
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

  test('what a setting adds or leaves out', () => {
    const base = forward({ attention: 'dot', bridge: 'zero' });
    assert.equal('bridge' in base || 'attention.keys' in base, false);
    assert.deepEqual(Object.keys(forward({ attention: 'none', bridge: 'zero' })).filter((name) => name.startsWith('attention')), []);
    const concat = forward({ attention: 'concat' });
    assert.equal(concat['attention.queries'], 8 * 6 * 6);
    assert.equal(concat['attention.scores'], 8 * 3 * 6);
    const deep = forward({ encoder: { layers: 2, hiddenSize: 6, bidirectional: false }, decoder: { layers: 2, hiddenSize: 6, inputFeeding: true } });
    assert.equal(deep['encoder.layers.0.input'], 6 * 5 * 24);
    assert.equal(deep['encoder.layers.1.input'], 6 * 6 * 24);
    assert.equal(deep['decoder.layers.0.input'], 8 * (5 + 6) * 24);
    assert.equal(deep['decoder.layers.1.input'], 8 * 6 * 24);
  });

  test('a step is twice the multiplications, three times over', () => {
    const products = Object.values(forward({ attention: 'dot' })).reduce((sum, count) => sum + count, 0);
    assert.equal(trainingFlops(tinyModel({ attention: 'dot' }), 11, SHAPE), 6 * products);
  });

  test('the models measured, against six operations for every weight and token', () => {
    // Of weights in products, by hand; the products within the attention are counted apart.
    const lstm = 2 * (256 * 1024 + 256 * 1024) + 512 * 512 + (256 * 2048 + 512 * 2048) + 1024 * 512 + 512 * 8000;
    const deep = 8 * 512 * 2048 + 1024 * 512 + 512 * 8000;
    const attention = 64 * 2 * 25 * 25 * 512;
    assert.equal(trainingFlops(benchmarkModel('lstm'), 8000, STANDARD_SHAPE), 6 * (1600 * lstm + attention));
    assert.equal(trainingFlops(benchmarkModel('lstm-deep'), 8000, STANDARD_SHAPE), 6 * (1600 * deep + attention));
  });
});
