import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { configSchema, type TrainingConfig } from '../../../src/config/schema.js';
import { Optimizer } from '../../../src/optim/optimizer.js';
import { Random } from '../../../src/random.js';
import { StoredTensor } from '../../../src/runtime/stored-tensor.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';

type Settings = TrainingConfig['optimizer'];
const SIZE = 7;

/** The update rules of the papers on plain arrays, with explicit bias correction. */
function reference(
  settings: Settings,
  start: readonly number[],
  gradients: readonly (readonly number[])[],
  rate: number,
): number[] {
  const weights = [...start];
  const m = weights.map(() => 0);
  const v = weights.map(() => 0);
  gradients.forEach((gradient, index) => {
    const t = index + 1;
    for (let i = 0; i < weights.length; i++) {
      if (settings.name === 'sgd') {
        m[i] = settings.momentum * m[i]! + gradient[i]!;
        weights[i]! -= rate * m[i]!;
        continue;
      }
      if (settings.name === 'adamw') weights[i]! -= rate * settings.weightDecay * weights[i]!;
      m[i] = settings.beta1 * m[i]! + (1 - settings.beta1) * gradient[i]!;
      v[i] = settings.beta2 * v[i]! + (1 - settings.beta2) * gradient[i]! ** 2;
      // TensorFlow adds epsilon before the bias correction ("epsilon hat" in Kingma and Ba 2015, section 2).
      const corrected = (rate * Math.sqrt(1 - settings.beta2 ** t)) / (1 - settings.beta1 ** t);
      weights[i]! -= (corrected * m[i]!) / (Math.sqrt(v[i]!) + settings.epsilon);
    }
  });
  return weights;
}

describe('optimisers', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  const cases: Record<string, Partial<Settings>> = {
    adam: { name: 'adam' },
    adamw: { name: 'adamw', weightDecay: 0.1 },
    sgd: { name: 'sgd' },
    'sgd with momentum': { name: 'sgd', momentum: 0.9 },
  };
  for (const [name, differences] of Object.entries(cases)) {
    test(`${name} equals the update rule of its paper`, async () => {
      const settings = configSchema.shape.training.parse({ optimizer: differences }).optimizer;
      const random = new Random(5);
      const draw = (): number[] => Array.from({ length: SIZE }, () => random.normal());
      const start = draw();
      const gradients = [draw(), draw(), draw(), draw()];
      const weights = StoredTensor.of(tf.tensor1d(start));
      const optimizer = new Optimizer(settings, [{ name: 'w', weights }]);
      for (const [index, gradient] of gradients.entries()) {
        tf.tidy(() => {
          optimizer.apply([tf.tensor1d(gradient)], { learningRate: 0.05, update: index + 1 });
        });
      }
      const found = await weights.read().data();
      for (const [index, expected] of reference(settings, start, gradients, 0.05).entries()) {
        assert.ok(Math.abs(found[index]! - expected) < 1e-5, `${found[index]} should be ${expected}`);
      }
    });
  }

  test('restoring the moments continues the same trajectory', async () => {
    const settings = configSchema.shape.training.parse({}).optimizer;
    const run = async (restart: boolean): Promise<ArrayLike<number>> => {
      const weights = StoredTensor.of(tf.tensor1d([1, -2, 3]));
      let optimizer = new Optimizer(settings, [{ name: 'w', weights }]);
      for (let update = 1; update <= 6; update++) {
        if (restart && update === 4) {
          const saved = await optimizer.values();
          optimizer.dispose();
          optimizer = new Optimizer(settings, [{ name: 'w', weights }]);
          for (const [name, { data }] of saved) optimizer.assign(name, data);
        }
        tf.tidy(() => {
          optimizer.apply([tf.tensor1d([0.1 * update, -0.2, 0.3 / update])], { learningRate: 0.01, update });
        });
      }
      return weights.read().data();
    };
    assert.deepEqual(Array.from(await run(true)), Array.from(await run(false)));
  });

  test('updating a stored tensor does not change the tensor it was created from', () => {
    const initial = tf.tensor1d([1, 2, 3]);
    const weights = StoredTensor.of(initial);
    const optimizer = new Optimizer(configSchema.shape.training.parse({ optimizer: { name: 'sgd' } }).optimizer, [
      { name: 'w', weights },
    ]);
    optimizer.apply([tf.tensor1d([1, 1, 1])], { learningRate: 1, update: 1 });
    assert.deepEqual(Array.from(initial.dataSync()), [1, 2, 3]);
    assert.deepEqual(Array.from(weights.read().dataSync()), [0, 1, 2]);
  });

  for (const [name, differences] of Object.entries(cases)) {
    test(`${name} multiplies gradients by the factor first`, async () => {
      const settings = configSchema.shape.training.parse({ optimizer: differences }).optimizer;
      const updated = async (gradient: readonly number[], gradientFactor: number): Promise<number[]> => {
        const weights = StoredTensor.of(tf.tensor1d([1, -2, 3]));
        const optimizer = new Optimizer(settings, [{ name: 'w', weights }]);
        for (const update of [1, 2])
          tf.tidy(() => optimizer.apply([tf.tensor1d([...gradient])], { learningRate: 0.1, update, gradientFactor }));
        return [...(await weights.read().data())];
      };
      assert.deepEqual(await updated([4, -8, 2], 0.25), await updated([1, -2, 0.5], 1));
    });
  }
});
