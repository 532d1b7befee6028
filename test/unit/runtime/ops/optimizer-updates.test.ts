import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../../../src/random.js';
import { globalNorm } from '../../../../src/runtime/ops/optimizer-updates.js';
import type { Kernels } from '../../../../src/runtime/policy.js';
import { loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
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
