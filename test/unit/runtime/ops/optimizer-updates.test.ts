import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../../../src/random.js';
import { applyAdam, globalNorm, type AdamVariables } from '../../../../src/runtime/ops/optimizer-updates.js';
import type { Kernels } from '../../../../src/runtime/policy.js';
import { StoredTensor } from '../../../../src/runtime/stored-tensor.js';
import { loadedRuntime, loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { availablePolicies } from '../../../support/policies.js';

describe('global norm', async () => {
  await loadTensorFlow({ device: 'cpu' });
  const norm = (gradients: readonly Float32Array[], kernels: Kernels): number =>
    tf.tidy(
      () =>
        globalNorm(
          gradients.map((values) => tf.tensor1d(values)),
          kernels,
        ).dataSync()[0]!,
    );

  for (const kernels of new Set(availablePolicies().map(({ policy }) => policy.kernels))) {
    test(`${kernels}: equals the sum in double precision`, () => {
      const random = new Random(6);
      // The last one is large enough for several threads.
      const gradients = [1, 7, 300, 200_000].map((length) => Float32Array.from({ length }, () => random.normal()));
      const expected = Math.sqrt(
        gradients.reduce((total, values) => total + values.reduce((sum, value) => sum + value * value, 0), 0),
      );
      assert.ok(Math.abs(norm(gradients, kernels) / expected - 1) < 1e-5);
    });

    test(`${kernels}: gradients with NaN have the norm NaN, gradients with infinity the norm infinity`, () => {
      assert.ok(Number.isNaN(norm([Float32Array.of(1, 2), Float32Array.of(NaN)], kernels)));
      assert.equal(norm([Float32Array.of(1, -Infinity)], kernels), Infinity);
    });
  }
});

describe('Adam', async () => {
  await loadTensorFlow({ device: 'cpu' });
  // Whole and partial blocks and vectors.
  const lengths = [1, 7, 300, 16_384, 100_003];

  function trajectory(kernels: Kernels, weightDecay: number, gradientFactor: number): Float32Array[] {
    const random = new Random(8);
    const drawn = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
    const variables = lengths.map((length) => {
      const [weights, firstMoment, secondMoment] = [drawn(length), new Float32Array(length), new Float32Array(length)];
      const stored = (values: Float32Array): StoredTensor => {
        const tensor = tf.tensor1d(values);
        const result = StoredTensor.of(tensor);
        tensor.dispose();
        return result;
      };
      return { weights: stored(weights), firstMoment: stored(firstMoment), secondMoment: stored(secondMoment) };
    });
    const tensors = tf.memory().numTensors;
    for (let update = 1; update <= 3; update++) {
      tf.tidy(() => {
        const all = variables.map((stored, index): AdamVariables => ({
          ...stored,
          gradient: tf.tensor1d(drawn(lengths[index]!)),
        }));
        const numbers = { learningRate: 1e-2, beta1: 0.9, beta2: 0.98, epsilon: 1e-8, update };
        applyAdam(all, { ...numbers, weightDecay, gradientFactor }, kernels);
      });
    }
    assert.equal(tf.memory().numTensors, tensors);
    return variables.flatMap((stored) =>
      Object.values(stored).map((tensor) => {
        const values = tf.tidy(() => tensor.read().dataSync<'float32'>());
        tensor.dispose();
        return values;
      }),
    );
  }

  const cases = [
    { weightDecay: 0, gradientFactor: 1 },
    { weightDecay: 0, gradientFactor: 0.3 },
    { weightDecay: 0.1, gradientFactor: 0.7 },
  ];
  for (const { weightDecay, gradientFactor } of cases) {
    test(`weight decay ${weightDecay}, gradients times ${gradientFactor}: the custom op computes the bits of TensorFlow's`, (context) => {
      if (loadedRuntime()?.customOps !== true) {
        context.skip('no custom ops');
        return;
      }
      assert.deepEqual(
        trajectory('custom', weightDecay, gradientFactor),
        trajectory('plain', weightDecay, gradientFactor),
      );
    });
  }

  test('a tensor that was read before an update keeps its values', (context) => {
    if (loadedRuntime()?.customOps !== true) {
      context.skip('no custom ops');
      return;
    }
    tf.tidy(() => {
      const [weights, firstMoment, secondMoment] = [
        [1, 2],
        [0, 0],
        [0, 0],
      ].map((values) => StoredTensor.of(tf.tensor1d(values))) as [StoredTensor, StoredTensor, StoredTensor];
      const before = weights.read();
      const numbers = { learningRate: 0.5, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, update: 1 };
      const gradient = tf.tensor1d([1, -1]);
      applyAdam(
        [{ weights, firstMoment, secondMoment, gradient }],
        { ...numbers, weightDecay: 0, gradientFactor: 1 },
        'custom',
      );
      assert.deepEqual([...before.dataSync()], [1, 2]);
      const after = weights.read().dataSync();
      assert.ok(Math.abs(after[0]! - 0.5) < 1e-5 && Math.abs(after[1]! - 2.5) < 1e-5);
      for (const stored of [weights, firstMoment, secondMoment]) stored.dispose();
    });
  });
});
