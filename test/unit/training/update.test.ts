import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { configSchema, type TrainingConfig } from '../../../src/config/schema.js';
import type { Batch } from '../../../src/data/batch.js';
import { buildModel } from '../../../src/model/build.js';
import type { TrainableModel } from '../../../src/model/model.js';
import { FIRST_LOSS_SCALE } from '../../../src/optim/loss-scale.js';
import { Optimizer } from '../../../src/optim/optimizer.js';
import { Random } from '../../../src/random.js';
import { withOpForm, type OpForm } from '../../../src/runtime/ops/form.js';
import { globalNorm } from '../../../src/runtime/ops/optimizer-updates.js';
import { loadTensorFlow, tf } from '../../../src/runtime/tensorflow.js';
import { addGradients, computeGradients } from '../../../src/training/gradients.js';
import { update, type UpdateResult } from '../../../src/training/update.js';
import { batchOf, tinyModel } from '../../support/models.js';

const VOCABULARY = 12;
/** Two pairs with few target tokens, and two with many: their means over tokens and over sentences differ. */
const SHORT = [{ source: [4, 5, 6, 7], target: [8] }, { source: [10], target: [11] }];
const LONG = [{ source: [7, 8, 9], target: [10, 11, 4, 5, 6] }, { source: [6, 5], target: [4, 4, 9, 10, 11, 7] }];

function settingsOf(training: object): TrainingConfig {
  return configSchema.shape.training.parse({ optimizer: { name: 'sgd', learningRate: 0.5 }, clipNorm: 0, ...training });
}

/** A model before and after one update by the given batches. */
async function updated(batches: readonly Batch[], training: TrainingConfig, model: Record<string, unknown> = {}, lossFactor?: number): Promise<{ result: UpdateResult; before: Weights; after: Weights }> {
  const built = buildModel(tinyModel(model), VOCABULARY, VOCABULARY, new Random(5));
  const optimizer = optimizerOf(built, training);
  const start = await weightsOf(built);
  const result = update(built, optimizer, batches, { training, seed: 1, update: 1, learningRate: training.optimizer.learningRate, lossFactor });
  const after = await weightsOf(built);
  built.dispose();
  optimizer.dispose();
  return { result, before: start, after };
}

type Weights = Map<string, Float32Array>;

function optimizerOf(model: TrainableModel, training: TrainingConfig): Optimizer {
  return new Optimizer(training.optimizer, model.parameters.names.map((name) => ({ name, weights: model.parameters.storedTensor(name) })));
}

async function weightsOf(model: TrainableModel): Promise<Weights> {
  return new Map([...(await model.parameters.values())].map(([name, { data }]) => [name, data]));
}

function largestDifference(left: Weights, right: Weights): number {
  return Math.max(...[...left].flatMap(([name, values]) => [...values].map((value, index) => Math.abs(value - right.get(name)![index]!))));
}

describe('one update', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  for (const lossNormalization of ['token', 'sentence'] as const) {
    test(`two accumulated batches equal one, normalised by ${lossNormalization}`, async () => {
      const whole = await updated([batchOf([...SHORT, ...LONG])], settingsOf({ lossNormalization }));
      const halves = await updated([batchOf(SHORT), batchOf(LONG)], settingsOf({ lossNormalization, batch: { accumulate: 2 } }));
      assert.ok(largestDifference(whole.before, whole.after) > 0.05, 'the update moves the weights');
      assert.ok(largestDifference(whole.after, halves.after) < 1e-6);
      assert.ok(Math.abs(whole.result.loss - halves.result.loss) < 1e-5);
      assert.ok(Math.abs(whole.result.gradientNorm - halves.result.gradientNorm) < 1e-5);
      const { sentences, sourceTokens, targetTokens } = halves.result;
      assert.deepEqual({ sentences, sourceTokens, targetTokens }, { sentences: 4, sourceTokens: 14, targetTokens: 17 });
      // Padding: the short half has 2 x 5 source positions and 2 x 2 target positions, the long one 2 x 4 and 2 x 7.
      assert.equal(halves.result.paddingTokens, 10 - 7 + 4 - 4 + 8 - 7 + 14 - 13);
    });
  }

  test('the loss is the mean over tokens or over sentences of the same sum', async () => {
    const batch = batchOf([...SHORT, ...LONG]);
    const byToken = await updated([batch], settingsOf({ lossNormalization: 'token', labelSmoothing: 0 }));
    const bySentence = await updated([batch], settingsOf({ lossNormalization: 'sentence', labelSmoothing: 0 }));
    assert.ok(Math.abs(byToken.result.loss * 17 - byToken.result.negativeLogLikelihood) < 1e-4);
    assert.ok(Math.abs(bySentence.result.loss * 4 - bySentence.result.negativeLogLikelihood) < 1e-4);
  });

  test('an update is along the gradient, as long as clipNorm allows', async () => {
    const free = await updated([batchOf(LONG)], settingsOf({}));
    const clipped = await updated([batchOf(LONG)], settingsOf({ clipNorm: 0.01 }));
    const lengthOf = ({ before: start, after }: { before: Weights; after: Weights }): number =>
      Math.hypot(...[...start].flatMap(([name, values]) => [...values].map((value, index) => value - after.get(name)![index]!)));
    assert.ok(Math.abs(lengthOf(free) - 0.5 * free.result.gradientNorm) < 1e-4);
    assert.ok(Math.abs(lengthOf(clipped) - 0.5 * 0.01) < 1e-5);
    assert.equal(clipped.result.gradientNorm, free.result.gradientNorm, 'reported before clipping');
  });

  test('a factor of the loss changes neither the update nor what is reported', async () => {
    for (const clipNorm of [0, 0.01]) {
      const plain = await updated([batchOf(LONG)], settingsOf({ clipNorm }));
      const scaled = await updated([batchOf(LONG)], settingsOf({ clipNorm }), {}, 2 ** 15);
      assert.ok(largestDifference(plain.before, plain.after) > 1e-4);
      assert.ok(largestDifference(plain.after, scaled.after) < 1e-6);
      assert.ok(Math.abs(plain.result.loss - scaled.result.loss) < 1e-6);
      assert.ok(Math.abs(plain.result.gradientNorm - scaled.result.gradientNorm) < 1e-6);
    }
  });

  test('in float16, small gradients are lost without a factor of the loss and kept with it', () => {
    // The mean over ten million sentences makes gradients small.
    const normOf = (form: Partial<OpForm>, lossFactor: number): number =>
      withOpForm(form, () => {
        const model = buildModel(tinyModel(), VOCABULARY, VOCABULARY, new Random(5));
        const { gradients, ...scalars } = computeGradients(model, batchOf(LONG), { labelSmoothing: 0, divisor: 1e7 / lossFactor });
        const tensor = globalNorm(gradients);
        const norm = tensor.dataSync()[0]! / lossFactor;
        for (const other of [tensor, ...gradients, ...Object.values(scalars)]) other.dispose();
        model.dispose();
        return norm;
      });
    const exact = normOf({ kernels: 'plain', precision: 'float32' }, 1);
    const float16: Partial<OpForm> = { kernels: 'fused', precision: 'float16' };
    assert.ok(Math.abs(normOf(float16, FIRST_LOSS_SCALE.factor) / exact - 1) < 0.01);
    assert.ok(Math.abs(normOf(float16, 1) / exact - 1) > 0.05, 'else this test shows nothing');
  });

  test('dropout differs between accumulated batches and between updates, and repeats for the same update', async () => {
    const dropout = { embedding: 0.5, layers: 0.5, output: 0.5 };
    const model = buildModel(tinyModel({ dropout }), VOCABULARY, VOCABULARY, new Random(5));
    // A learning rate of 0 changes no weights.
    const training = settingsOf({ batch: { accumulate: 2 } });
    const lossOf = (number: number, batches: readonly Batch[]): number => update(model, optimizerOf(model, training), batches, { training, seed: 1, update: number, learningRate: 0 }).loss;
    const batch = batchOf(LONG);
    assert.equal(lossOf(1, [batch]), lossOf(1, [batch]));
    assert.notEqual(lossOf(1, [batch]), lossOf(2, [batch]));
    assert.notEqual(lossOf(1, [batch]), lossOf(1, [batch, batch]), 'the second batch has other masks, else the mean would stay');
    model.dispose();
  });

  for (const [name, spoil] of Object.entries({ 'not a number': Number.NaN, infinite: Number.POSITIVE_INFINITY })) {
    test(`weights stay as they are when the loss is ${name}`, async () => {
      const training = settingsOf({ optimizer: { name: 'adam' }, clipNorm: 1 });
      const model = buildModel(tinyModel(), VOCABULARY, VOCABULARY, new Random(5));
      const optimizer = optimizerOf(model, training);
      model.parameters.assign('output.bias', new Float32Array(VOCABULARY).fill(spoil, 3, 4));
      const start = await weightsOf(model);
      const moments = await optimizer.values();
      const { numTensors } = tf.memory();
      const result = update(model, optimizer, [batchOf(SHORT)], { training, seed: 1, update: 1, learningRate: 0.1 });
      assert.equal(tf.memory().numTensors, numTensors);
      assert.equal(result.applied, false);
      assert.deepEqual(await weightsOf(model), start);
      assert.deepEqual(await optimizer.values(), moments);
      model.dispose();
      optimizer.dispose();
    });
  }

  test('adding gradients disposes the summands', () => {
    const made = (values: number[]): Tensor[] => [tf.tensor1d(values)];
    const first = made([1, 2]);
    const { numTensors } = tf.memory();
    const [sum] = addGradients(addGradients(undefined, first), made([10, 20]));
    assert.deepEqual(sum!.arraySync(), [11, 22]);
    assert.equal(tf.memory().numTensors, numTensors);
    sum!.dispose();
  });
});
