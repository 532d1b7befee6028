import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { withOpForm } from '../../../../src/runtime/ops/form.js';
import { availableForms } from '../../../support/op-forms.js';
import { dropout, DropoutSeeds } from '../../../../src/runtime/ops/dropout.js';
import { loadTensorFlow, tf } from '../../../../src/runtime/tensorflow.js';

describe('dropout', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  test('the same seeds give the same mask, others another', () => {
    const ones = tf.ones([50, 40]);
    const values = (update: number): number[] => Array.from(dropout(ones, 0.3, new DropoutSeeds(7, update)).dataSync());
    assert.deepEqual(values(1), values(1));
    assert.notDeepEqual(values(1), values(2));
  });

  test('masks of one update differ from call to call', () => {
    const ones = tf.ones([50, 40]);
    const seeds = new DropoutSeeds(7, 1);
    assert.notDeepEqual(Array.from(dropout(ones, 0.3, seeds).dataSync()), Array.from(dropout(ones, 0.3, seeds).dataSync()));
  });

  test('drops the given share and keeps the mean', () => {
    const values = dropout(tf.ones([400, 100]), 0.3, new DropoutSeeds(1, 1)).dataSync();
    const dropped = values.filter((value) => value === 0).length / values.length;
    assert.ok(Math.abs(dropped - 0.3) < 0.01, `dropped ${dropped}`);
    assert.ok(values.every((value) => value === 0 || Math.abs(value - 1 / 0.7) < 1e-6));
  });

  test('the gradient passes through the same mask', () => {
    const input = tf.ones([30, 10]);
    const forward = dropout(input, 0.4, new DropoutSeeds(3, 9)).dataSync();
    const gradient = tf.grad((x) => dropout(x, 0.4, new DropoutSeeds(3, 9)).sum())(input).dataSync();
    assert.deepEqual(Array.from(gradient), Array.from(forward));
  });

  test('without seeds nothing is dropped', () => {
    const input = tf.ones([3]);
    assert.equal(dropout(input, 0.5, undefined), input);
  });

  test('every native form makes the same mask, forwards and backwards', () => {
    const input = tf.range(1, 12_346);
    const results = availableForms().map(({ form }) =>
      withOpForm(form, () => {
        const { value, grads } = tf.valueAndGrads((given: Tensor) => dropout(given, 0.3, new DropoutSeeds(-7, 4)))([input], tf.fill(input.shape, 2));
        return [value, grads[0]!].map((tensor) => Array.from(tensor.dataSync()));
      }),
    );
    for (const result of results) assert.deepEqual(result, results[0]);
    assert.deepEqual(results[0]![1], results[0]![0]!.map((value) => (value === 0 ? 0 : Math.fround(2 * Math.fround(1 / 0.7)))));
  });
});
