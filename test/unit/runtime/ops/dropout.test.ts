import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { dropout, DropoutSeeds } from '../../../../src/runtime/ops/dropout.js';
import { loadTensorFlow, policyFor } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { availablePolicies } from '../../../support/policies.js';

describe('dropout', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  test('equal seeds draw equal masks, different seeds different masks', () => {
    const ones = tf.ones([50, 40]);
    const values = (update: number): number[] =>
      Array.from(dropout(ones, 0.3, new DropoutSeeds(7, update), policyFor()).dataSync());
    assert.deepEqual(values(1), values(1));
    assert.notDeepEqual(values(1), values(2));
  });

  test('every call in an update draws a different mask', () => {
    const ones = tf.ones([50, 40]);
    const seeds = new DropoutSeeds(7, 1);
    const values = (): number[] => Array.from(dropout(ones, 0.3, seeds, policyFor()).dataSync());
    assert.notDeepEqual(values(), values());
  });

  test('drops the given proportion of elements and preserves the mean', () => {
    const values = dropout(tf.ones([400, 100]), 0.3, new DropoutSeeds(1, 1), policyFor()).dataSync();
    const dropped = values.filter((value) => value === 0).length / values.length;
    assert.ok(Math.abs(dropped - 0.3) < 0.01, `dropped ${dropped}`);
    assert.ok(values.every((value) => value === 0 || Math.abs(value - 1 / 0.7) < 1e-6));
  });

  test('the gradient is masked like the input', () => {
    const input = tf.ones([30, 10]);
    const forward = dropout(input, 0.4, new DropoutSeeds(3, 9), policyFor()).dataSync();
    const gradient = tf
      .grad((x) => dropout(x, 0.4, new DropoutSeeds(3, 9), policyFor()).sum())(input)
      .dataSync();
    assert.deepEqual(Array.from(gradient), Array.from(forward));
  });

  test('without seeds the input is returned unchanged', () => {
    const input = tf.ones([3]);
    assert.equal(dropout(input, 0.5, undefined, policyFor()), input);
  });

  test('every policy draws the same mask, for the value and the gradient', () => {
    const input = tf.range(1, 12_346);
    const results = availablePolicies().map(({ policy }) => {
      const masked = (given: Tensor): Tensor => dropout(given, 0.3, new DropoutSeeds(-7, 4), policy);
      const { value, grads } = tf.valueAndGrads(masked)([input], tf.fill(input.shape, 2));
      return [value, grads[0]!].map((tensor) => Array.from(tensor.dataSync()));
    });
    for (const result of results) assert.deepEqual(result, results[0]);
    assert.deepEqual(
      results[0]![1],
      results[0]![0]!.map((value) => (value === 0 ? 0 : Math.fround(2 * Math.fround(1 / 0.7)))),
    );
  });
});
