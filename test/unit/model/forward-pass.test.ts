import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { ForwardPass } from '../../../src/model/forward-pass.js';
import { uniform } from '../../../src/model/initializers.js';
import { Parameters } from '../../../src/model/parameters.js';
import { Random } from '../../../src/random.js';
import { DropoutSeeds } from '../../../src/runtime/ops/dropout.js';
import { PORTABLE_POLICY } from '../../../src/runtime/policy.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { availablePolicies, relativeError } from '../../support/policies.js';

const SHAPE: [number, number, number] = [6, 7, 50];
const RATE = 0.4;

function parameters(): Parameters {
  return new Parameters([], { random: undefined, policy: PORTABLE_POLICY });
}

function pass(variational: boolean, update = 1): ForwardPass {
  return ForwardPass.training(parameters(), { seeds: new DropoutSeeds(5, update), variational });
}

/** The steps of the first sentence as text, and those of the second. */
function steps(sequence: Tensor3D): string[][] {
  return sequence
    .arraySync()
    .slice(0, 2)
    .map((sentence) => sentence.map((vector) => vector.join()));
}

describe('dropout of a forward pass', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  test('variational: one mask for all steps of a sentence, another for every sentence, layer and update', () => {
    const draw = pass(true);
    const [first, second] = steps(draw.sequenceDropout(tf.ones(SHAPE), RATE)) as [string[], string[]];
    assert.equal(new Set(first).size, 1);
    assert.notEqual(first[0], second[0]);
    const others = [draw.sequenceDropout(tf.ones(SHAPE), RATE), pass(true, 2).sequenceDropout(tf.ones(SHAPE), RATE)];
    for (const other of others) assert.notEqual(steps(other)[0]![0], first[0]);
  });

  test('not variational: every step has a mask of its own', () => {
    assert.equal(new Set(steps(pass(false).sequenceDropout(tf.ones(SHAPE), RATE))[0]).size, SHAPE[1]);
  });

  test('in a loop over time: one mask for all steps, or one for each', () => {
    for (const [variational, masks] of [
      [true, 1],
      [false, 5],
    ] as const) {
      const drop = pass(variational).stepDropout([3, 40], RATE);
      const drawn = Array.from({ length: 5 }, () =>
        drop(tf.ones([3, 40]))
          .dataSync()
          .join(),
      );
      assert.equal(new Set(drawn).size, masks);
    }
  });

  test('of words: drops whole vectors, in the given proportion, and scales the others', () => {
    const sequence = pass(false)
      .wordDropout(tf.ones([40, 50, 3]), RATE)
      .arraySync();
    const vectors = sequence.flat().map((vector) => new Set(vector.map((value) => Math.fround(value))));
    assert.ok(vectors.every((values) => values.size === 1));
    const kept = vectors.filter((values) => !values.has(0));
    assert.ok(kept.every((values) => values.has(Math.fround(1 / (1 - RATE)))));
    assert.ok(Math.abs(kept.length / vectors.length - (1 - RATE)) < 0.03, `${kept.length} of ${vectors.length}`);
  });

  test('outside training, and with rate 0, the input itself is returned', () => {
    const input: Tensor3D = tf.ones(SHAPE);
    const none = ForwardPass.training(parameters());
    assert.equal(none.wordDropout(input, RATE), input);
    assert.equal(none.sequenceDropout(input, RATE), input);
    assert.equal(pass(true).sequenceDropout(input, 0), input);
    assert.equal(pass(true).wordDropout(input, 0), input);
  });
});

describe('products in a loop over time', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const { name, policy, tolerance } of availablePolicies()) {
    test(`${name}: values and gradients equal those of separate products`, () => {
      const specs = [
        { name: 'kernel', shape: [3, 3], initializer: uniform(1) },
        { name: 'bias', shape: [3], initializer: uniform(1) },
        { name: 'unused', shape: [3, 2], initializer: uniform(1) },
      ];
      const random = new Random(2);
      const results = [PORTABLE_POLICY, policy].map((each, index) => {
        const weights = new Parameters(specs, { random: random.derive('weights'), policy: each });
        const found = tf.tidy(() => {
          const compute = (start: Tensor): Tensor => {
            const own = ForwardPass.training(weights);
            const loop = index === 0 ? { pass: own, start } : own.loop(start, ['kernel', 'bias', 'unused']);
            let state = loop.start as Tensor2D;
            for (let step = 0; step < 4; step++) {
              state = loop.pass.multiply(state, 'kernel', {
                bias: 'bias',
                ...(step % 2 === 0 ? { activation: 'tanh' as const } : {}),
              });
            }
            // The gradient of a weight that the loss does not depend on is not defined.
            const none = tf.mul(tf.sum(weights.get('unused')), 0);
            return tf.add(tf.sum(tf.mul(state, tf.range(1, 16).reshape([5, 3]))), none);
          };
          const start = tf.sin(tf.range(0, 15)).reshape([5, 3]);
          const given = ['kernel', 'bias', 'unused'].map((name) => weights.get(name));
          const { value, grads } = tf.valueAndGrads((first: Tensor, ...others: Tensor[]) => {
            assert.equal(others.length, 3);
            return compute(first) as Tensor1D;
          })([start, ...given]);
          return [value, ...grads].map((tensor) => tensor.dataSync());
        });
        weights.dispose();
        return found;
      });
      for (const [index, actual] of results[1]!.entries()) {
        const error = relativeError(actual, results[0]![index]!);
        assert.ok(error < 4 * tolerance, `${index === 0 ? 'value' : `gradient ${index - 1}`}: error ${error}`);
      }
      assert.ok(results[1]![4]!.every((value) => value === 0));
    });
  }
});
