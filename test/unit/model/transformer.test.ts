import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { translateBatch } from '../../../src/decoding/search.js';
import { S2sError } from '../../../src/errors.js';
import { toTensors } from '../../../src/model/batch-tensors.js';
import { buildModel } from '../../../src/model/build.js';
import { sinusoidalPositions } from '../../../src/model/layers/positions.js';
import type { TrainableModel } from '../../../src/model/model.js';
import { Random } from '../../../src/random.js';
import { DropoutSeeds } from '../../../src/runtime/ops/dropout.js';
import { loadTensorFlow, policyFor } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { computeGradients } from '../../../src/training/gradients.js';
import { EOS, PAD } from '../../../src/vocab/special.js';
import { batchOf, THREE_PAIRS, tinyModel, type TinyDifferences } from '../../support/models.js';

const VOCABULARY = 12;
const TRANSFORMER = { type: 'transformer' } as const;
const BASE = { embeddingSize: 6, encoder: TRANSFORMER, decoder: { ...TRANSFORMER, layers: 2 } };
const SSRU = { ...BASE, decoder: { ...TRANSFORMER, layers: 2, autoregression: 'ssru' } };
const LEARNED = { ...TRANSFORMER, positions: 'learned', maxPositions: 5 };
const SEARCH = { beamSize: 3, lengthPenalty: 1, maxLengthRatio: 1, maxLengthMargin: 4 };

function build(differences: TinyDifferences = BASE, vocabulary = VOCABULARY): TrainableModel {
  const sizes = { source: vocabulary, target: vocabulary };
  return buildModel(tinyModel(differences), sizes, { random: new Random(3), policy: policyFor() });
}

/** The gradients of one update by parameter. */
function gradientsOf(model: TrainableModel, update?: number, extraPadding = 0): Map<string, Float32Array> {
  const { gradients, ...sums } = computeGradients(model, batchOf(THREE_PAIRS, extraPadding), {
    labelSmoothing: 0.1,
    divisor: 12,
    ...(update === undefined ? {} : { seeds: new DropoutSeeds(1, update) }),
  });
  const values = model.parameters.names.map((name, index): [string, Float32Array] => [
    name,
    gradients[index]!.dataSync<'float32'>(),
  ]);
  for (const tensor of [...gradients, ...Object.values(sums)]) tensor.dispose();
  model.parameters.release();
  return new Map(values);
}

describe('Transformer', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  test('sinusoidal positions have sines in the first half and cosines in the second', () => {
    const expected = [0, 0, 1, 1, Math.sin(1), Math.sin(0.01), Math.cos(1), Math.cos(0.01)];
    for (const [index, value] of sinusoidalPositions(2, 4).entries())
      assert.ok(Math.abs(value - expected[index]!) < 1e-7, `element ${index}`);
    // An odd width has one sine more.
    const odd = sinusoidalPositions(8, 3).subarray(21);
    for (const [index, value] of [Math.sin(7), Math.sin(7 / 10000 ** (2 / 3)), Math.cos(7)].entries())
      assert.ok(Math.abs(odd[index]! - value) < 1e-6);
  });

  test('embeddings start with variance 1 / width, those of a recurrent side with the configured bound', async () => {
    const deviation = async (differences: TinyDifferences, name: string): Promise<number> => {
      const model = build(differences, 4000);
      const { data } = (await model.parameters.values()).get(name)!;
      model.dispose();
      return Math.sqrt(data.reduce((sum, value) => sum + value ** 2, 0) / data.length);
    };
    const expected = 6 ** -0.5;
    for (const name of ['source.embedding', 'target.embedding'])
      assert.ok(Math.abs((await deviation(BASE, name)) / expected - 1) < 0.03);
    const shared = { embeddingSize: 6, shareEmbeddings: true, initialization: 0.1 };
    const mixed = { ...shared, encoder: TRANSFORMER };
    assert.ok(Math.abs((await deviation(mixed, 'shared.embedding')) / expected - 1) < 0.03);
    assert.ok(Math.abs((await deviation(shared, 'shared.embedding')) / (0.1 / Math.sqrt(3)) - 1) < 0.03);
    const separate = { ...mixed, shareEmbeddings: false };
    assert.ok(Math.abs((await deviation(separate, 'target.embedding')) / (0.1 / Math.sqrt(3)) - 1) < 0.03);
  });

  for (const [name, differences] of Object.entries({ 'self-attention': BASE, SSRU })) {
    test(`${name}: attention weights are those of teacher forcing, sum to one, and are zero at padding`, () => {
      const model = build(differences);
      tf.tidy(() => {
        const batch = batchOf(THREE_PAIRS, 2);
        const tensors = toTensors(batch);
        const forced = model.teacherForcing(tensors, { attention: true }).attention!.arraySync();
        const { memory, state: initial } = model.encode(tensors.source, tensors.sourceLengths);
        let state = initial;
        for (let position = 0; position < 3; position++) {
          const ids = THREE_PAIRS.map((_, row) => batch.decoderInput[row * batch.targetTime + position]!);
          const step = model.decodeStep({ memory, state, position, previous: tf.tensor1d(ids, 'int32') });
          ({ state } = step);
          for (const [row, [weights]] of step.attention!.arraySync().entries()) {
            assert.ok(Math.abs(weights!.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-6);
            assert.ok(weights!.slice(THREE_PAIRS[row]!.source.length + 1).every((weight) => weight === 0));
            weights!.forEach((weight, at) => assert.ok(Math.abs(weight - forced[row]![position]![at]!) < 1e-6));
          }
        }
      });
      model.dispose();
    });

    test(`${name}: search results do not depend on the batch, and no tensor is left behind`, async () => {
      const model = build(differences);
      const sources = [
        [4, 5, 6, 7, EOS],
        [8, EOS],
        [9, 10, 11, EOS],
        [5, 5, EOS],
        [6, 4, 9, 8, 7, 5, EOS],
      ];
      const before = tf.memory().numTensors;
      const together = await translateBatch(model, sources, SEARCH);
      for (const [index, source] of sources.entries()) {
        const [alone] = await translateBatch(model, [source], SEARCH);
        assert.deepEqual(alone![0]!.tokens, together[index]![0]!.tokens);
      }
      model.parameters.release();
      assert.equal(tf.memory().numTensors, before);
      model.dispose();
    });

    test(`${name}: padded positions have no influence and no gradient, whatever they contain`, async () => {
      const model = build(differences);
      const expected = gradientsOf(model, undefined, 3);
      const values = await model.parameters.values();
      for (const table of ['source.embedding', 'target.embedding']) {
        assert.ok(
          expected
            .get(table)!
            .subarray(6 * PAD, 6 * (PAD + 1))
            .every((value) => value === 0),
          table,
        );
        model.parameters.assign(
          table,
          values.get(table)!.data.map((value, index) => (index < 6 ? 1e3 : value)),
        );
      }
      for (const [parameter, gradient] of gradientsOf(model, undefined, 3))
        for (const [index, value] of gradient.entries())
          assert.ok(Math.abs(value - expected.get(parameter)![index]!) < 1e-6, `${parameter}[${index}]`);
      model.dispose();
    });
  }

  test('each kind of dropout acts in training only, and depends on seed and update alone', () => {
    for (const rates of [{ dropout: 0.5 }, { attentionDropout: 0.5 }, { activationDropout: 0.5 }]) {
      const model = build({ embeddingSize: 6, encoder: { ...TRANSFORMER, ...rates }, decoder: TRANSFORMER });
      const [first, again, other] = [1, 1, 2].map((update) => gradientsOf(model, update));
      assert.deepEqual(first, again);
      assert.notDeepEqual(first, other);
      assert.deepEqual(gradientsOf(model), gradientsOf(model));
      model.dispose();
    }
  });

  test('layer drop skips whole layers of an update, and none outside training', () => {
    const model = build({ ...BASE, decoder: { ...TRANSFORMER, layers: 3, layerDrop: 0.5 } });
    const layer = (update: number | undefined, number: number): boolean => {
      const names = [...gradientsOf(model, update)].filter(([name]) => name.startsWith(`decoder.layers.${number}.`));
      assert.ok(names.length > 10);
      const used = names.map(([, gradient]) => gradient.some((value) => value !== 0));
      return used.filter(Boolean).length > names.length / 2;
    };
    const kept = Array.from({ length: 30 }, (_, update) => [0, 1, 2].map((number) => layer(update, number)));
    const share = kept.flat().filter(Boolean).length / 90;
    assert.ok(share > 0.3 && share < 0.7, `${share} of the layers are kept`);
    assert.ok(new Set(kept.map(String)).size > 4, 'layers are dropped independently');
    assert.deepEqual(
      [0, 1, 2].map((number) => layer(undefined, number)),
      [true, true, true],
    );
    model.dispose();
  });

  test('with learned positions, a longer source is an error, and a translation ends at the last position', async () => {
    const model = build({ embeddingSize: 6, encoder: LEARNED, decoder: LEARNED });
    const [hypotheses] = await translateBatch(model, [[4, 5, 6, 7, EOS]], { ...SEARCH, maxLengthMargin: 20 });
    assert.ok(hypotheses![0]!.tokens.length <= 5);
    await assert.rejects(
      translateBatch(model, [[4, 5, 6, 7, 8, EOS]], SEARCH),
      (error) =>
        error instanceof S2sError &&
        error.code === 'too-many-positions' &&
        /has 6 tokens, .* 5 positions \(model\.encoder\.maxPositions\)/.test(error.message),
    );
    model.dispose();
  });

  test('a forward and backward pass leaks no tensor', () => {
    for (const differences of [BASE, SSRU]) {
      const model = build(differences);
      gradientsOf(model, 1);
      const { numTensors } = tf.memory();
      gradientsOf(model, 1);
      assert.equal(tf.memory().numTensors, numTensors);
      model.dispose();
    }
  });

  test('parameters have their documented names', () => {
    const names = (differences: TinyDifferences): string[] => {
      const model = build(differences);
      const all = model.parameters.names.map((name) => {
        const { shape } = model.parameters.get<Tensor2D>(name);
        return `${name} [${shape.join(', ')}]`;
      });
      model.dispose();
      return all;
    };
    const decoder = { ...LEARNED, normPosition: 'post', normalization: 'rms', activation: 'swiglu' };
    assert.deepEqual(names({ embeddingSize: 6, encoder: { ...TRANSFORMER }, decoder, tieTargetEmbeddings: true }), [
      'source.embedding [12, 6]',
      'target.embedding [12, 6]',
      'encoder.layers.0.selfAttention.kernel [6, 18]',
      'encoder.layers.0.selfAttention.bias [18]',
      'encoder.layers.0.selfAttention.outputKernel [6, 6]',
      'encoder.layers.0.selfAttention.outputBias [6]',
      'encoder.layers.0.feedForward.inputKernel [6, 8]',
      'encoder.layers.0.feedForward.inputBias [8]',
      'encoder.layers.0.feedForward.outputKernel [8, 6]',
      'encoder.layers.0.feedForward.outputBias [6]',
      'encoder.layers.0.selfAttention.norm.gain [6]',
      'encoder.layers.0.selfAttention.norm.bias [6]',
      'encoder.layers.0.feedForward.norm.gain [6]',
      'encoder.layers.0.feedForward.norm.bias [6]',
      'encoder.norm.gain [6]',
      'encoder.norm.bias [6]',
      'decoder.positions [5, 6]',
      'decoder.layers.0.selfAttention.kernel [6, 18]',
      'decoder.layers.0.selfAttention.bias [18]',
      'decoder.layers.0.selfAttention.outputKernel [6, 6]',
      'decoder.layers.0.selfAttention.outputBias [6]',
      'decoder.layers.0.crossAttention.queryKernel [6, 6]',
      'decoder.layers.0.crossAttention.queryBias [6]',
      'decoder.layers.0.crossAttention.memoryKernel [6, 12]',
      'decoder.layers.0.crossAttention.memoryBias [12]',
      'decoder.layers.0.crossAttention.outputKernel [6, 6]',
      'decoder.layers.0.crossAttention.outputBias [6]',
      'decoder.layers.0.feedForward.inputKernel [6, 16]',
      'decoder.layers.0.feedForward.inputBias [16]',
      'decoder.layers.0.feedForward.outputKernel [8, 6]',
      'decoder.layers.0.feedForward.outputBias [6]',
      'decoder.layers.0.selfAttention.norm.gain [6]',
      'decoder.layers.0.crossAttention.norm.gain [6]',
      'decoder.layers.0.feedForward.norm.gain [6]',
      'output.bias [12]',
    ]);
  });
});
