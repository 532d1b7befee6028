import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { gate, type Activation } from '../../../../src/runtime/ops/activation.js';
import { linear } from '../../../../src/runtime/ops/linear.js';
import { loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { compareWithDifferences, type Twofold } from '../../../support/finite-differences.js';
import { availablePolicies, relativeError } from '../../../support/policies.js';

/** The integral of the normal density from 0 to x, by Simpson's rule. */
function normalIntegral(x: number): number {
  const density = (at: number): number => Math.exp((-at * at) / 2) / Math.sqrt(2 * Math.PI);
  const steps = 200;
  let sum = density(0) + density(x);
  for (let step = 1; step < steps; step++) sum += (step % 2 === 0 ? 2 : 4) * density((x * step) / steps);
  return (sum * x) / (3 * steps);
}

const FORMULA: Record<Activation, (x: number) => number> = {
  relu: (x) => Math.max(0, x),
  gelu: (x) => x * (0.5 + normalIntegral(x)),
  swish: (x) => x / (1 + Math.exp(-x)),
  tanh: Math.tanh,
};

function randomValues(random: Random, count: number, largest = 1): Float64Array {
  return Float64Array.from({ length: count }, () => Math.fround(largest * (2 * random.uniform() - 1)));
}

/** Compares with the formula and finite differences at random inputs. */
function check(op: Twofold, tolerance: number, largest: number): void {
  const random = new Random(op.shapes.length);
  const inputs = op.shapes.map((shape) =>
    randomValues(
      random,
      shape.reduce((a, b) => a * b),
      largest,
    ),
  );
  const direction = randomValues(random, op.numbers(...inputs).length);
  const { value, gradients } = compareWithDifferences(op, inputs, direction);
  for (const [index, [actual, expected]] of [value, ...gradients].entries()) {
    const error = relativeError(actual, expected);
    assert.ok(error < tolerance, `${JSON.stringify(op.shapes)}, result ${index}: error ${error}`);
  }
}

describe('linear layer', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const { name, policy, tolerance } of availablePolicies()) {
    for (const activation of [undefined, 'relu', 'gelu', 'swish', 'tanh'] as const) {
      const skip =
        activation === 'relu' &&
        policy.precision !== 'float32' &&
        'rounding to 16 bits may cross the jump of its derivative at 0; the large shapes below allow for that';
      const title = `${activation ?? 'no activation'}, ${name}: equals the formula, gradients equal finite differences`;
      test(title, { skip }, () => {
        for (const [rows, inner, columns, hasBias] of [
          [1, 1, 1, true],
          [3, 5, 7, true],
          [9, 4, 17, false],
        ] as const) {
          const shapes = [[rows, inner], [inner, columns], ...(hasBias ? [[columns]] : [])];
          const op: Twofold = {
            shapes,
            tensors: (input, kernel, bias) =>
              linear(input as Tensor2D, kernel as Tensor2D, policy, {
                bias: bias as Tensor1D | undefined,
                activation,
              }),
            numbers: (input, kernel, bias) =>
              Array.from({ length: rows * columns }, (_, index) => {
                let sum = bias?.[index % columns] ?? 0;
                for (let k = 0; k < inner; k++)
                  sum += input![Math.floor(index / columns) * inner + k]! * kernel![k * columns + (index % columns)]!;
                return activation === undefined ? sum : FORMULA[activation](sum);
              }),
          };
          check(op, tolerance, 1);
        }
      });
    }

    for (const activation of ['relu', 'gelu', 'swish'] as const) {
      test(`gate with ${activation}, ${name}: equals the formula, gradients equal finite differences`, () => {
        for (const [rows, size] of [
          [1, 1],
          [4, 9],
          [3, 33],
        ] as const) {
          check(
            {
              shapes: [[rows, 2 * size]],
              tensors: (input) => gate(input as Tensor2D, activation, policy),
              numbers: (input) =>
                Array.from({ length: rows * size }, (_, index) => {
                  const at = Math.floor(index / size) * 2 * size + (index % size);
                  return FORMULA[activation](input![at]!) * input![at + size]!;
                }),
            },
            1e-5,
            4,
          );
        }
      });
    }

    for (const activation of [undefined, 'swish', 'relu'] as const) {
      test(`large shapes, ${activation ?? 'no activation'}, ${name}: equal sums in double precision`, () => {
        for (const [rows, inner, columns, hasBias] of [
          [70, 33, 17, true],
          [131, 600, 90, true],
          [65, 70, 1100, true],
          [257, 48, 64, true],
          [513, 40, 70, false],
        ] as const) {
          const random = new Random(rows);
          const [input, kernel, bias, direction] = [rows * inner, inner * columns, columns, rows * columns].map(
            (count) => Float32Array.from(randomValues(random, count)),
          ) as [Float32Array, Float32Array, Float32Array, Float32Array];
          const before = tf.memory().numTensors;
          const actual = tf.tidy(() => {
            const factors = [tf.tensor2d(input, [rows, inner]), tf.tensor2d(kernel, [inner, columns])];
            const { value, grads } = tf.valueAndGrads((a: Tensor, b: Tensor, c?: Tensor) =>
              linear(a as Tensor2D, b as Tensor2D, policy, { bias: c as Tensor1D | undefined, activation }),
            )(hasBias ? [...factors, tf.tensor1d(bias)] : factors, tf.tensor2d(direction, [rows, columns]));
            return [value, ...grads].map((tensor) => tensor.dataSync());
          });
          assert.equal(tf.memory().numTensors, before);
          const expected = {
            output: new Float64Array(rows * columns),
            dInput: new Float64Array(rows * inner),
            dKernel: new Float64Array(inner * columns),
            ...(hasBias ? { dBias: new Float64Array(columns) } : {}),
          };
          for (let row = 0; row < rows; row++) {
            for (let column = 0; column < columns; column++) {
              const at = row * columns + column;
              let sum = hasBias ? bias[column]! : 0;
              for (let k = 0; k < inner; k++) sum += input[row * inner + k]! * kernel[k * columns + column]!;
              expected.output[at] = activation === undefined ? sum : FORMULA[activation](sum);
              const sigmoid = 1 / (1 + Math.exp(-sum));
              const slope = {
                none: 1,
                swish: sigmoid * (1 + sum * (1 - sigmoid)),
                // On the side of 0 where rounding has put the sum.
                relu: actual[0]![at]! > 0 ? 1 : 0,
              }[activation ?? 'none'];
              const d = direction[at]! * slope;
              if (expected.dBias !== undefined) expected.dBias[column]! += d;
              for (let k = 0; k < inner; k++) {
                expected.dInput[row * inner + k]! += d * kernel[k * columns + column]!;
                expected.dKernel[k * columns + column]! += d * input[row * inner + k]!;
              }
            }
          }
          assert.equal(actual.length, Object.keys(expected).length);
          for (const [index, [which, sums]] of Object.entries(expected).entries()) {
            const error = relativeError(actual[index]!, sums);
            assert.ok(error < tolerance, `[${rows}, ${inner}] x [${inner}, ${columns}], ${which}: error ${error}`);
          }
        }
      });
    }
  }
});
