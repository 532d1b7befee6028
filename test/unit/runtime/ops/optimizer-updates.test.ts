import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../../../src/random.js';
import { withOpForm } from '../../../../src/runtime/ops/form.js';
import { globalNorm } from '../../../../src/runtime/ops/optimizer-updates.js';
import { loadTensorFlow, tf } from '../../../../src/runtime/tensorflow.js';
import { availableForms } from '../../../support/op-forms.js';

describe('global norm', async () => {
  await loadTensorFlow({ device: 'cpu' });
  const norm = (gradients: readonly Float32Array[]): number => tf.tidy(() => globalNorm(gradients.map((values) => tf.tensor1d(values))).dataSync()[0]!);

  for (const { name, form } of availableForms().filter(({ form: { precision } }) => precision === 'float32')) {
    test(`${name}: equals the sum in double precision`, () => {
      const random = new Random(6);
      // The last is longer than what one thread takes at once.
      const gradients = [1, 7, 300, 200_000].map((length) => Float32Array.from({ length }, () => random.normal()));
      const expected = Math.sqrt(gradients.reduce((total, values) => total + values.reduce((sum, value) => sum + value * value, 0), 0));
      assert.ok(Math.abs(withOpForm(form, () => norm(gradients)) / expected - 1) < 1e-5);
    });

    test(`${name}: NaN and infinity show`, () => {
      assert.ok(Number.isNaN(withOpForm(form, () => norm([Float32Array.of(1, 2), Float32Array.of(NaN)]))));
      assert.equal(withOpForm(form, () => norm([Float32Array.of(1, -Infinity)])), Infinity);
    });
  }
});
