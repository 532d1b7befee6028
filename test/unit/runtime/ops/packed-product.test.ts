import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../../../src/random.js';
import { packedProduct, packKernel } from '../../../../src/runtime/ops/packed-product.js';
import { loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { availablePolicies, relativeError } from '../../../support/policies.js';

describe('product with a packed kernel', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const { name, policy, tolerance } of availablePolicies()) {
    for (const transposed of [false, true]) {
      test(`${name}${transposed ? ', transposed' : ''}: equals sums in double precision`, () => {
        for (const [rows, inner, columns] of [
          [1, 3, 2],
          [9, 70, 33],
          [130, 21, 1100],
          // Sums of more than one block of products, and blocks that are not full in any dimension.
          [17, 1100, 323],
        ] as const) {
          const random = new Random(rows);
          const values = (length: number): Float32Array =>
            Float32Array.from({ length }, () => 2 * random.uniform() - 1);
          const [input, kernel, bias] = [values(rows * inner), values(inner * columns), values(columns)];
          const expected = Float64Array.from({ length: rows * columns }, (_, index) => {
            const [row, column] = [Math.floor(index / columns), index % columns];
            let sum = 0;
            for (let k = 0; k < inner; k++)
              sum +=
                input[row * inner + k]! * (transposed ? kernel[column * inner + k]! : kernel[k * columns + column]!);
            return sum;
          });
          const withBias = expected.map((sum, index) => sum + bias[index % columns]!);
          const [plain, added, tangent] = tf.tidy(() => {
            const shape: [number, number] = transposed ? [columns, inner] : [inner, columns];
            const packed = packKernel(tf.tensor2d(kernel, shape), policy, transposed);
            const left = tf.tensor2d(input, [rows, inner]);
            const options = [{}, { bias: tf.tensor1d(bias) }, { bias: tf.tensor1d(bias), activation: 'tanh' } as const];
            return options.map((option) => packedProduct(left, packed, option).dataSync());
          }) as [Float32Array, Float32Array, Float32Array];
          for (const [actual, sums] of [
            [plain, expected],
            [added, withBias],
            [tangent, withBias.map(Math.tanh)],
          ] as const) {
            const error = relativeError(actual, sums);
            // The rounding errors of long sums add up.
            assert.ok(
              error < tolerance * Math.max(1, inner / 100),
              `[${rows}, ${inner}] x [${inner}, ${columns}]: error ${error}`,
            );
          }
        }
      });
    }
  }
});
