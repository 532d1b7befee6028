import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { configSchema, type TrainingConfig } from '../../../src/config/schema.js';
import type { Batch } from '../../../src/data/batch.js';
import { buildModel } from '../../../src/model/build.js';
import type { TrainableModel } from '../../../src/model/model.js';
import { INITIAL_LOSS_SCALE } from '../../../src/optim/loss-scale.js';
import { Optimizer } from '../../../src/optim/optimizer.js';
import { Random } from '../../../src/random.js';
import { globalNorm } from '../../../src/runtime/ops/optimizer-updates.js';
import { PORTABLE_POLICY, type ComputePolicy } from '../../../src/runtime/policy.js';
import { loadTensorFlow, policyFor } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { addGradients, computeGradients } from '../../../src/training/gradients.js';
import { update, type Reduce, type UpdateResult } from '../../../src/training/update.js';
import { batchOf, tinyModel, type TinyDifferences } from '../../support/models.js';

const VOCABULARY = 12;
/** Two pairs with few target tokens, and two with many: their means over tokens and over sentences differ. */
const SHORT = [
  { source: [4, 5, 6, 7], target: [8] },
  { source: [10], target: [11] },
];
const LONG = [
  { source: [7, 8, 9], target: [10, 11, 4, 5, 6] },
  { source: [6, 5], target: [4, 4, 9, 10, 11, 7] },
];

function settingsOf(training: object): TrainingConfig {
  return configSchema.shape.training.parse({ optimizer: { name: 'sgd', learningRate: 0.5 }, clipNorm: 0, ...training });
}

/** Parameters before and after one update on the given batches. */
async function updated(
  batches: readonly Batch[],
  training: TrainingConfig,
  lossFactor?: number,
  reduce?: Reduce,
): Promise<{ result: UpdateResult; before: Weights; after: Weights }> {
  const built = tiny();
  const optimizer = optimizerOf(built, training);
  const start = await weightsOf(built);
  const result = await update(built, optimizer, batches, {
    training,
    seed: 1,
    update: 1,
    learningRate: training.optimizer.learningRate,
    lossFactor,
    reduce,
  });
  const after = await weightsOf(built);
  built.dispose();
  optimizer.dispose();
  return { result, before: start, after };
}

type Weights = Map<string, Float32Array>;

function tiny(policy: ComputePolicy = policyFor(), differences: TinyDifferences = {}): TrainableModel {
  const vocabulary = { source: VOCABULARY, target: VOCABULARY };
  return buildModel(tinyModel(differences), vocabulary, { random: new Random(5), policy });
}

function optimizerOf(model: TrainableModel, training: TrainingConfig): Optimizer {
  return new Optimizer(
    training.optimizer,
    model.parameters.names.map((name) => ({ name, weights: model.parameters.storedTensor(name) })),
  );
}

async function weightsOf(model: TrainableModel): Promise<Weights> {
  return new Map([...(await model.parameters.values())].map(([name, { data }]) => [name, data]));
}

/** All-reduce of two workers in this process: each waits for the other. */
function twoWorkers(): [Reduce, Reduce] {
  const waiting: { tensors: readonly Tensor[]; resolve: (sums: readonly Tensor[]) => void }[] = [];
  const reduce: Reduce = (tensors) =>
    new Promise((resolve) => {
      const other = waiting.pop();
      if (other === undefined) {
        waiting.push({ tensors, resolve });
        return;
      }
      const sums = tensors.map((tensor, index) => tf.add(tensor, other.tensors[index]!));
      for (const tensor of [...tensors, ...other.tensors]) tensor.dispose();
      other.resolve(sums);
      resolve(sums.map((sum) => tf.mul(sum, 1)));
    });
  return [reduce, reduce];
}

function largestDifference(left: Weights, right: Weights): number {
  return Math.max(
    ...[...left].flatMap(([name, values]) =>
      [...values].map((value, index) => Math.abs(value - right.get(name)![index]!)),
    ),
  );
}

describe('one update', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  for (const lossNormalization of ['token', 'sentence'] as const) {
    test(`two accumulated batches equal one, normalised by ${lossNormalization}`, async () => {
      const whole = await updated([batchOf([...SHORT, ...LONG])], settingsOf({ lossNormalization }));
      const halves = await updated(
        [batchOf(SHORT), batchOf(LONG)],
        settingsOf({ lossNormalization, batch: { accumulate: 2 } }),
      );
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

  for (const lossNormalization of ['token', 'sentence'] as const) {
    test(`two workers with all-reduce equal a single worker, normalised by ${lossNormalization}`, async () => {
      const training = settingsOf({ lossNormalization, clipNorm: 0.3 });
      const whole = await updated([batchOf([...SHORT, ...LONG])], training);
      const { numTensors } = tf.memory();
      const reduces = twoWorkers();
      const workers = await Promise.all(
        [SHORT, LONG].map((pairs, worker) => updated([batchOf(pairs)], training, undefined, reduces[worker])),
      );
      for (const { after, result } of workers) {
        assert.ok(largestDifference(whole.after, after) < 1e-6);
        for (const key of ['loss', 'gradientNorm', 'negativeLogLikelihood'] as const)
          assert.ok(Math.abs(result[key] - whole.result[key]) < 1e-5, key);
        assert.deepEqual([result.sentences, result.sourceTokens, result.targetTokens], [4, 14, 17]);
      }
      assert.equal(tf.memory().numTensors, numTensors);
    });
  }

  // A bias of 10,000 for one token costs as many nats for each other token: the loss is finite, the perplexity is not.
  for (const [bias, kind] of [
    [Number.NaN, 'loss'],
    [10_000, 'perplexity'],
  ] as const) {
    test(`no worker applies an update whose ${kind} is not finite on one of them`, async () => {
      const reduces = twoWorkers();
      const results = await Promise.all(
        [SHORT, LONG].map(async (pairs, worker) => {
          const model = tiny();
          const optimizer = optimizerOf(model, settingsOf({}));
          if (worker === 0) model.parameters.assign('output.bias', new Float32Array(VOCABULARY).fill(bias, 3, 4));
          const { applied, notFinite } = await update(model, optimizer, [batchOf(pairs)], {
            training: settingsOf({}),
            seed: 1,
            update: 1,
            learningRate: 0.1,
            reduce: reduces[worker],
          });
          model.dispose();
          optimizer.dispose();
          return [applied, notFinite];
        }),
      );
      assert.deepEqual(results, [
        [false, kind],
        [false, kind],
      ]);
    });
  }

  test('the loss is the same sum divided by tokens or by sentences', async () => {
    const batch = batchOf([...SHORT, ...LONG]);
    const byToken = await updated([batch], settingsOf({ lossNormalization: 'token', labelSmoothing: 0 }));
    const bySentence = await updated([batch], settingsOf({ lossNormalization: 'sentence', labelSmoothing: 0 }));
    assert.ok(Math.abs(byToken.result.loss * 17 - byToken.result.negativeLogLikelihood) < 1e-4);
    assert.ok(Math.abs(bySentence.result.loss * 4 - bySentence.result.negativeLogLikelihood) < 1e-4);
  });

  test('an SGD update has the direction of the gradient and at most the norm clipNorm', async () => {
    const free = await updated([batchOf(LONG)], settingsOf({}));
    const clipped = await updated([batchOf(LONG)], settingsOf({ clipNorm: 0.01 }));
    const lengthOf = ({ before: start, after }: { before: Weights; after: Weights }): number =>
      Math.hypot(
        ...[...start].flatMap(([name, values]) => [...values].map((value, index) => value - after.get(name)![index]!)),
      );
    assert.ok(Math.abs(lengthOf(free) - 0.5 * free.result.gradientNorm) < 1e-4);
    assert.ok(Math.abs(lengthOf(clipped) - 0.5 * 0.01) < 1e-5);
    assert.equal(clipped.result.gradientNorm, free.result.gradientNorm, 'reported before clipping');
  });

  test('the loss scale changes neither the update nor the reported metrics', async () => {
    for (const clipNorm of [0, 0.01]) {
      const plain = await updated([batchOf(LONG)], settingsOf({ clipNorm }));
      const scaled = await updated([batchOf(LONG)], settingsOf({ clipNorm }), 2 ** 15);
      assert.ok(largestDifference(plain.before, plain.after) > 1e-4);
      assert.ok(largestDifference(plain.after, scaled.after) < 1e-6);
      assert.ok(Math.abs(plain.result.loss - scaled.result.loss) < 1e-6);
      assert.ok(Math.abs(plain.result.gradientNorm - scaled.result.gradientNorm) < 1e-6);
    }
  });

  test('in float16, small gradients underflow without loss scaling and are exact with it', () => {
    // The mean over ten million sentences makes gradients small.
    const normOf = (policy: ComputePolicy, lossFactor: number): number => {
      const model = tiny(policy);
      const settings = { labelSmoothing: 0, divisor: 1e7 / lossFactor };
      const { gradients, ...scalars } = computeGradients(model, batchOf(LONG), settings);
      const tensor = globalNorm(gradients, policy.kernels);
      const norm = tensor.dataSync()[0]! / lossFactor;
      for (const other of [tensor, ...gradients, ...Object.values(scalars)]) other.dispose();
      model.dispose();
      return norm;
    };
    const exact = normOf(PORTABLE_POLICY, 1);
    const float16: ComputePolicy = { ...PORTABLE_POLICY, kernels: 'fused', precision: 'float16' };
    assert.ok(Math.abs(normOf(float16, INITIAL_LOSS_SCALE.factor) / exact - 1) < 0.01);
    assert.ok(Math.abs(normOf(float16, 1) / exact - 1) > 0.05, 'without the factor the norm is wrong');
  });

  test('dropout masks differ between accumulated batches and between updates, and are reproducible', async () => {
    const layers = { layers: 2, dropout: 0.5 };
    const model = tiny(policyFor(), { dropout: { embedding: 0.5, output: 0.5 }, encoder: layers, decoder: layers });
    // A learning rate of 0 changes no weights.
    const training = settingsOf({ batch: { accumulate: 2 } });
    const lossOf = async (number: number, batches: readonly Batch[]): Promise<number> =>
      (
        await update(model, optimizerOf(model, training), batches, {
          training,
          seed: 1,
          update: number,
          learningRate: 0,
        })
      ).loss;
    const batch = batchOf(LONG);
    assert.equal(await lossOf(1, [batch]), await lossOf(1, [batch]));
    assert.notEqual(await lossOf(1, [batch]), await lossOf(2, [batch]));
    assert.notEqual(await lossOf(1, [batch]), await lossOf(1, [batch, batch]), 'the second batch has other masks');
    model.dispose();
  });

  for (const [name, spoil] of Object.entries({ 'not a number': Number.NaN, infinite: Number.POSITIVE_INFINITY })) {
    test(`weights and moments do not change when the loss is ${name}`, async () => {
      const training = settingsOf({ optimizer: { name: 'adam' }, clipNorm: 1 });
      const model = tiny();
      const optimizer = optimizerOf(model, training);
      model.parameters.assign('output.bias', new Float32Array(VOCABULARY).fill(spoil, 3, 4));
      const start = await weightsOf(model);
      const moments = await optimizer.values();
      const { numTensors } = tf.memory();
      const result = await update(model, optimizer, [batchOf(SHORT)], {
        training,
        seed: 1,
        update: 1,
        learningRate: 0.1,
      });
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
