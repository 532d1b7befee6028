import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { sequenceLoss } from '../../../src/loss/sequence-loss.js';
import { toTensors } from '../../../src/model/batch-tensors.js';
import { buildModel } from '../../../src/model/build.js';
import type { TrainableModel } from '../../../src/model/model.js';
import { Random } from '../../../src/random.js';
import { loadTensorFlow, policyFor } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { computeGradients } from '../../../src/training/gradients.js';
import { batchOf, THREE_PAIRS, tinyModel, type TinyDifferences } from '../../support/models.js';

const VOCABULARY = 12;

// ReLU has no derivative at 0, where finite differences may step across.
const TRANSFORMER = { type: 'transformer', activation: 'gelu' };
const POST_NORM = { ...TRANSFORMER, normPosition: 'post', positions: 'learned', maxPositions: 9 };

/** Configurations that cover every code path of the model. */
const VARIANTS: Record<string, TinyDifferences> = {
  general: {},
  dot: { decoder: { attention: 'dot' } },
  concat: { decoder: { attention: 'concat' } },
  scaled: { decoder: { attention: 'scaled' } },
  'no attention': { decoder: { attention: 'none' } },
  'input feeding': { decoder: { inputFeeding: true } },
  'two layers, one direction': { encoder: { layers: 2, hiddenSize: 4, bidirectional: false }, decoder: { layers: 2 } },
  'two layers with input feeding': {
    encoder: { layers: 2, hiddenSize: 6, bidirectional: true },
    decoder: { layers: 2, hiddenSize: 6, inputFeeding: true },
  },
  'copied state': { decoder: { bridge: 'copy' } },
  'zero state': { decoder: { bridge: 'zero' } },
  GRU: { encoder: { type: 'gru' }, decoder: { type: 'gru' } },
  'GRU decoder of an LSTM encoder, input feeding': { decoder: { type: 'gru', inputFeeding: true } },
  'LSTM decoder of a GRU encoder': { encoder: { type: 'gru' } },
  'heads of general attention': { decoder: { attentionHeads: 3 } },
  'heads of additive attention': { decoder: { attention: 'concat', attentionHeads: 2 } },
  'attention inside the recurrence': { decoder: { attention: 'bahdanau' } },
  'GNMT: context in all layers, residual connections, first layer in both directions': {
    encoder: { layers: 3, bidirectional: 'first', residualFrom: 2 },
    decoder: { layers: 3, attention: 'bahdanau', attentionHeads: 2, contextLayers: 'all', residualFrom: 2 },
  },
  'residual connections from the embedding on': {
    embeddingSize: 6,
    encoder: { layers: 2, residualFrom: 1 },
    decoder: { type: 'gru', layers: 2, residualFrom: 1 },
  },
  'coverage inside the recurrence': {
    decoder: { type: 'gru', attention: 'bahdanau', coverage: true, coverageLoss: 0.7 },
  },
  'coverage after the recurrence': {
    decoder: { attention: 'concat', attentionHeads: 2, coverage: true, coverageLoss: 0.7 },
  },
  'coverage with input feeding': { decoder: { attention: 'concat', coverage: true, inputFeeding: true } },
  'tied and shared embeddings': { embeddingSize: 6, tieTargetEmbeddings: true, shareEmbeddings: true },
  Transformer: { embeddingSize: 6, encoder: TRANSFORMER, decoder: { ...TRANSFORMER, activation: 'swiglu' } },
  'post-norm Transformer with shared embeddings and learned positions': {
    embeddingSize: 6,
    encoder: { ...POST_NORM, layers: 2 },
    decoder: { ...POST_NORM, activation: 'swish' },
    tieTargetEmbeddings: true,
    shareEmbeddings: true,
  },
  'Transformer with SSRU and RMS normalisation': {
    embeddingSize: 6,
    encoder: { ...TRANSFORMER, normalization: 'rms' },
    decoder: { ...TRANSFORMER, normalization: 'rms', autoregression: 'ssru' },
  },
  'Transformer encoder, LSTM decoder': {
    embeddingSize: 6,
    encoder: TRANSFORMER,
    decoder: { hiddenSize: 4, layers: 2 },
  },
  'Transformer encoder, LSTM decoder from a copied mean': {
    embeddingSize: 6,
    encoder: TRANSFORMER,
    decoder: { layers: 2, bridge: 'copy' },
  },
  'LSTM encoder, Transformer decoder': { embeddingSize: 6, encoder: { hiddenSize: 8 }, decoder: TRANSFORMER },
};

function build(differences: TinyDifferences): TrainableModel {
  return buildModel(
    tinyModel(differences),
    { source: VOCABULARY, target: VOCABULARY },
    { random: new Random(3), policy: policyFor() },
  );
}

function lossOf(model: TrainableModel, extraPadding = 0): number {
  return tf.tidy(
    () =>
      sequenceLoss(model, toTensors(batchOf(THREE_PAIRS, extraPadding)), {
        labelSmoothing: 0.1,
        divisor: 12,
      }).loss.dataSync()[0]!,
  );
}

function gradientsOf(model: TrainableModel, extraPadding = 0): Map<string, Float32Array> {
  const { gradients, loss, negativeLogLikelihood, correct } = computeGradients(
    model,
    batchOf(THREE_PAIRS, extraPadding),
    { labelSmoothing: 0.1, divisor: 12 },
  );
  const values = new Map(
    model.parameters.names.map((name, index) => [name, gradients[index]!.dataSync() as Float32Array]),
  );
  for (const tensor of [...gradients, loss, negativeLogLikelihood, correct]) tensor.dispose();
  return values;
}

describe('encoder-decoder model', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  for (const [name, differences] of Object.entries(VARIANTS)) {
    test(`${name}: gradients agree with finite differences`, async () => {
      const model = build(differences);
      const gradients = gradientsOf(model);
      const values = await model.parameters.values();
      const random = new Random(1);
      for (const parameter of model.parameters.names) {
        const { data } = values.get(parameter)!;
        for (let check = 0; check < 3; check++) {
          const index = random.integer(data.length);
          const shifted = (by: number): number => {
            const copy = Float32Array.from(data);
            copy[index]! += by;
            model.parameters.assign(parameter, copy);
            return lossOf(model);
          };
          const difference = (step: number): number => (shifted(step) - shifted(-step)) / (2 * step);
          // Without the error of second order (Richardson extrapolation).
          const numeric = (4 * difference(5e-3) - difference(1e-2)) / 3;
          model.parameters.assign(parameter, data);
          const analytic = gradients.get(parameter)![index]!;
          assert.ok(
            Math.abs(numeric - analytic) < 2e-3 * Math.max(0.1, Math.abs(numeric)),
            `${parameter}[${index}]: ${analytic}, by differences ${numeric}`,
          );
        }
      }
      model.dispose();
    });

    test(`${name}: additional padding does not change loss and gradients`, () => {
      const model = build(differences);
      assert.ok(Math.abs(lossOf(model) - lossOf(model, 3)) < 1e-6);
      const plain = gradientsOf(model);
      const padded = gradientsOf(model, 3);
      for (const [parameter, values] of plain) {
        for (const [index, value] of values.entries()) {
          assert.ok(Math.abs(value - padded.get(parameter)![index]!) < 1e-6, `${parameter}[${index}]`);
        }
      }
      model.dispose();
    });

    test(`${name}: step-by-step decoding equals teacher forcing`, () => {
      const model = build(differences);
      tf.tidy(() => {
        const batch = batchOf(THREE_PAIRS);
        const tensors = toTensors(batch);
        const kernel = model.parameters.get<Tensor2D>(model.outputKernel);
        const whole = tf
          .add(
            tf.matMul(model.teacherForcing(tensors).hidden, kernel, false, true),
            model.parameters.get<Tensor1D>(model.outputBias),
          )
          .arraySync() as number[][];
        const encoded = model.encode(tensors.source, tensors.sourceLengths);
        let { state } = encoded;
        for (let time = 0; time < batch.targetTime; time++) {
          const previous = tf.tensor1d(
            THREE_PAIRS.map((_, row) => batch.decoderInput[row * batch.targetTime + time]!),
            'int32',
          );
          const step = model.decodeStep({ memory: encoded.memory, state, position: time, previous });
          const logits = step.logits.values().arraySync();
          ({ state } = step);
          for (const [row, values] of logits.entries()) {
            if (time >= batch.targetLengths[row]!) continue;
            for (const [id, value] of values.entries()) {
              assert.ok(
                Math.abs(value - whole[row * batch.targetTime + time]![id]!) < 1e-5,
                `row ${row}, step ${time}, id ${id}`,
              );
            }
          }
        }
      });
      model.dispose();
    });
  }

  test('attention weights are zero at padding and sum to one', () => {
    const model = build({});
    tf.tidy(() => {
      const tensors = toTensors(batchOf(THREE_PAIRS, 2));
      const source = model.encode(tensors.source, tensors.sourceLengths);
      const { attention } = model.decodeStep({ ...source, position: 0, previous: tf.tensor1d([2, 2, 2], 'int32') });
      for (const [row, weights] of attention!.arraySync().flat().entries()) {
        const length = THREE_PAIRS[row]!.source.length + 1;
        assert.ok(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-6);
        assert.ok(weights.slice(length).every((weight) => weight === 0));
      }
    });
    model.dispose();
  });

  test('parameters have their documented names', () => {
    const model = build({ embeddingSize: 6, tieTargetEmbeddings: true, shareEmbeddings: true });
    assert.deepEqual(model.parameters.names, [
      'shared.embedding',
      'encoder.layers.0.forward.inputKernel',
      'encoder.layers.0.forward.recurrentKernel',
      'encoder.layers.0.forward.bias',
      'encoder.layers.0.backward.inputKernel',
      'encoder.layers.0.backward.recurrentKernel',
      'encoder.layers.0.backward.bias',
      'bridge.layers.0.hidden.kernel',
      'bridge.layers.0.hidden.bias',
      'bridge.layers.0.cell.kernel',
      'bridge.layers.0.cell.bias',
      'decoder.layers.0.inputKernel',
      'decoder.layers.0.recurrentKernel',
      'decoder.layers.0.bias',
      'attention.keyKernel',
      'attention.outputKernel',
      'output.bias',
    ]);
    model.dispose();
  });

  test('a forward and backward pass leaks no tensor', () => {
    const model = build({});
    gradientsOf(model);
    model.parameters.release();
    const { numTensors } = tf.memory();
    gradientsOf(model);
    model.parameters.release();
    assert.equal(tf.memory().numTensors, numTensors);
    model.dispose();
  });
});
