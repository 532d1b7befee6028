import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Rank, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { crossEntropyOfLogits, projectedCrossEntropy } from '../../../../src/runtime/ops/cross-entropy.js';
import { attribute, execute } from '../../../../src/runtime/ops/execute.js';
import { cast } from '../../../../src/runtime/ops/product.js';
import { PORTABLE_POLICY, type ComputePolicy } from '../../../../src/runtime/policy.js';
import { loadedRuntime, loadTensorFlow, policyFor } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { availablePolicies, relativeError } from '../../../support/policies.js';

interface Example {
  readonly positions: number;
  readonly size: number;
  readonly vocabulary: number;
  readonly hidden: Float64Array;
  readonly kernel: Float64Array;
  readonly bias: Float64Array;
  readonly labels: readonly number[];
  readonly weights: readonly number[];
}

function example(positions: number, size: number, vocabulary: number, scale = 1): Example {
  const random = new Random(positions);
  const values = (length: number, by: number): Float64Array =>
    Float64Array.from({ length }, () => Math.fround(by * (2 * random.uniform() - 1)));
  return {
    positions,
    size,
    vocabulary,
    hidden: values(positions * size, scale),
    kernel: values(vocabulary * size, 1),
    bias: values(vocabulary, 1),
    labels: Array.from({ length: positions }, () => random.integer(vocabulary)),
    // One position is excluded.
    weights: Array.from({ length: positions }, (_, position) => (position === 2 ? 0 : Math.fround(random.uniform()))),
  };
}

/** Loss, negative log-likelihood and number of correct positions, in double precision. */
function reference(
  { positions, size, vocabulary, hidden, kernel, bias, labels, weights }: Example,
  smoothing: number,
): [number, number, number] {
  let [loss, negativeLogLikelihood, correct] = [0, 0, 0];
  for (let position = 0; position < positions; position++) {
    if (weights[position] === 0) continue;
    const logits = Array.from(bias, (value, token) => {
      let sum = value;
      for (let k = 0; k < size; k++) sum += hidden[position * size + k]! * kernel[token * size + k]!;
      return sum;
    });
    const largest = Math.max(...logits);
    const logSum = largest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
    const ofLabel = logSum - logits[labels[position]!]!;
    const ofAll = logits.reduce((sum, logit) => sum + (logSum - logit), 0) / vocabulary;
    loss += weights[position]! * ((1 - smoothing) * ofLabel + smoothing * ofAll);
    negativeLogLikelihood += ofLabel;
    if (logits.indexOf(largest) === labels[position]) correct++;
  }
  return [loss, negativeLogLikelihood, correct];
}

function compute(
  given: Example,
  policy: ComputePolicy,
  labelSmoothing: number,
  factor = 3,
): { sums: number[]; gradients: Float32Array[] } {
  return tf.tidy(() => {
    const inputs = [
      tf.tensor2d(Float32Array.from(given.hidden), [given.positions, given.size]),
      tf.tensor2d(Float32Array.from(given.kernel), [given.vocabulary, given.size]),
      tf.tensor1d(Float32Array.from(given.bias)),
    ];
    const rest = {
      labels: tf.tensor1d([...given.labels], 'int32'),
      weights: tf.tensor1d([...given.weights]),
      labelSmoothing,
    };
    let sums: number[] = [];
    const loss = (hidden: Tensor, kernel: Tensor, bias: Tensor): Tensor => {
      const projection = { hidden: hidden as Tensor2D, kernel: kernel as Tensor2D, bias: bias as Tensor1D };
      const outputs = projectedCrossEntropy({ ...projection, ...rest }, policy);
      sums = [outputs.loss, outputs.negativeLogLikelihood, outputs.correct].map((scalar) => scalar.dataSync()[0]!);
      return factor === 1 ? outputs.loss : tf.mul(outputs.loss, factor);
    };
    const gradients = tf
      .grads(loss)(inputs)
      .map((gradient) => gradient.dataSync() as Float32Array);
    return { sums, gradients };
  });
}

describe('cross-entropy of the output projection', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const { name, policy, tolerance } of availablePolicies()) {
    for (const smoothing of [0, 0.1]) {
      test(`${name}, smoothing ${smoothing}: sums equal the reference, gradients equal finite differences`, () => {
        const given = example(7, 3, 11);
        const { sums, gradients } = compute(given, policy, smoothing);
        const expected = reference(given, smoothing);
        assert.ok(
          relativeError(sums.slice(0, 2), expected.slice(0, 2)) < tolerance,
          `${sums.join()} is not ${expected.join()}`,
        );
        assert.equal(sums[2], expected[2]);
        for (const [index, values] of [given.hidden, given.kernel, given.bias].entries()) {
          const numeric = values.map((value, at) => {
            const shifted = (by: number): number => {
              values[at] = value + by;
              return 3 * reference(given, smoothing)[0];
            };
            const difference = (shifted(1e-4) - shifted(-1e-4)) / 2e-4;
            values[at] = value;
            return difference;
          });
          const error = relativeError(gradients[index]!, numeric);
          assert.ok(error < tolerance, `input ${index}: error ${error}`);
        }
      });
    }

    test(`${name}: all gradients are scaled by the gradient of the loss`, () => {
      const given = example(7, 3, 11);
      const [alone, threefold] = [compute(given, policy, 0.1, 1), compute(given, policy, 0.1, 3)] as const;
      for (const [index, gradient] of alone.gradients.entries()) {
        assert.ok(
          relativeError(
            threefold.gradients[index]!,
            gradient.map((value) => 3 * value),
          ) < Math.max(1e-6, tolerance),
        );
      }
    });

    test(`${name}: gradients equal finite differences for sizes of more than one block`, () => {
      const given = example(150, 70, 1234);
      const { sums, gradients } = compute(given, policy, 0.1);
      const plain = compute(given, PORTABLE_POLICY, 0.1);
      assert.ok(relativeError(sums.slice(0, 2), reference(given, 0.1).slice(0, 2)) < tolerance);
      for (const [index, gradient] of gradients.entries()) {
        const error = relativeError(gradient, plain.gradients[index]!);
        assert.ok(error < tolerance, `input ${index}: error ${error}`);
      }
    });

    test(`${name}: large logits do not overflow, and the loss stays exact`, () => {
      const given = example(5, 3, 9, 300);
      const { sums, gradients } = compute(given, policy, 0.1);
      assert.ok(relativeError(sums.slice(0, 2), reference(given, 0.1).slice(0, 2)) < tolerance);
      assert.ok(gradients.every((gradient) => gradient.every(Number.isFinite)));
    });
  }

  for (const precision of ['float32', 'bfloat16'] as const) {
    /** Gradient of random logits, to which `hold` may keep a reference, and the held tensor afterwards. */
    const gradientWhile = (
      hold: (logits: Tensor2D) => Tensor | undefined,
    ): { gradient: Float32Array; before: Float32Array; held: Float32Array | undefined } =>
      tf.tidy(() => {
        const numbers = tf.randomUniform<Rank.R2>([40, 30], -3, 3, 'float32', 5);
        const inFloat32 = (tensor: Tensor): Float32Array =>
          Float32Array.from((precision === 'float32' ? tensor : cast(tensor, precision, 'float32')).dataSync());
        const logits = (precision === 'float32' ? tf.mul(numbers, 1) : cast(numbers, 'float32', precision)) as Tensor2D;
        const before = inFloat32(logits);
        const held = hold(logits);
        const rest = {
          bias: tf.zeros<Rank.R1>([30]),
          labels: tf.zeros<Rank.R1>([40], 'int32'),
          weights: tf.ones<Rank.R1>([40]),
          labelSmoothing: 0.1,
          precision,
        };
        const { dLogits } = crossEntropyOfLogits(logits, rest);
        return { gradient: inFloat32(dLogits), before, held: held === undefined ? undefined : inFloat32(held) };
      });

    test(
      `${precision}: logits that another tensor refers to keep their values`,
      { skip: loadedRuntime()?.customOps !== true && 'without the custom ops' },
      () => {
        const alone = gradientWhile(() => undefined);
        const inSameHandle = gradientWhile((logits) => tf.clone(logits));
        const inSameMemory = gradientWhile(
          (logits) => execute('Identity', [attribute.type('T', precision)], [logits])[0],
        );
        const inOtherShape = gradientWhile(
          (logits) =>
            execute(
              'Reshape',
              [attribute.type('T', precision), attribute.type('Tshape', 'int32')],
              [logits, tf.tensor1d([1200], 'int32')],
            )[0],
        );
        for (const shared of [inSameHandle, inSameMemory, inOtherShape]) {
          assert.deepEqual(shared.held, shared.before);
          assert.deepEqual(shared.gradient, alone.gradient);
        }
        assert.notDeepEqual(alone.gradient, alone.before);
      },
    );
  }

  test('no tensor leaks', () => {
    const before = tf.memory().numTensors;
    compute(example(7, 3, 11), policyFor(), 0.1);
    assert.equal(tf.memory().numTensors, before);
  });
});
