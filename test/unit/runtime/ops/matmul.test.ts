import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { batchMatMul, matMul } from '../../../../src/runtime/ops/matmul.js';
import { loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { availablePolicies, relativeError } from '../../../support/policies.js';

/** Rows, inner size and columns: 1, sizes that are no multiple of a SIMD vector, and more than one block of each. */
const SIZES = [
  [1, 1, 1],
  [3, 5, 7],
  [70, 33, 17],
  [131, 600, 90],
  [65, 70, 1100],
  // Enough rows for the explicit transpose of the right factor.
  [520, 150, 37],
] as const;

function randomValues(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => 2 * random.uniform() - 1);
}

/** `op(a) op(b)` in double precision, where `at` functions read the factors. */
function reference(
  rows: number,
  inner: number,
  columns: number,
  a: (row: number, k: number) => number,
  b: (k: number, column: number) => number,
): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < inner; k++) {
      const left = a(row, k);
      for (let column = 0; column < columns; column++) result[row * columns + column]! += left * b(k, column);
    }
  }
  return result;
}

/** The product of two matrices, and the gradients of its sum weighted by `direction`. */
function referenceWithGradients(
  { rows, inner, columns, transposeB }: { rows: number; inner: number; columns: number; transposeB: boolean },
  a: Float32Array,
  b: Float32Array,
  direction: Float32Array,
): { product: Float64Array; dA: Float64Array; dB: Float64Array } {
  const aAt = (row: number, k: number): number => a[row * inner + k]!;
  const bAt = (k: number, column: number): number => (transposeB ? b[column * inner + k]! : b[k * columns + column]!);
  const dAt = (row: number, column: number): number => direction[row * columns + column]!;
  return {
    product: reference(rows, inner, columns, aAt, bAt),
    dA: reference(rows, columns, inner, dAt, (column, k) => bAt(k, column)),
    dB: transposeB
      ? reference(columns, rows, inner, (column, row) => dAt(row, column), aAt)
      : reference(inner, rows, columns, (k, row) => aAt(row, k), dAt),
  };
}

describe('matrix product', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const { name, policy, tolerance } of availablePolicies()) {
    for (const transposeB of [false, true]) {
      const check = (what: string, actual: Float32Array, expected: Float64Array): void => {
        const error = relativeError(actual, expected);
        assert.ok(error < tolerance, `${what}: error ${error}`);
      };

      test(`${name}${transposeB ? ', transposed' : ''}: product and gradients equal sums in double precision`, () => {
        for (const [rows, inner, columns] of SIZES) {
          const random = new Random(rows);
          const a = randomValues(random, rows * inner);
          const b = randomValues(random, inner * columns);
          const bias = randomValues(random, columns);
          const direction = randomValues(random, rows * columns);
          const [value, dA, dB, dBias] = tf.tidy(() => {
            const shapeOfB: [number, number] = transposeB ? [columns, inner] : [inner, columns];
            const inputs = [tf.tensor2d(a, [rows, inner]), tf.tensor2d(b, shapeOfB), tf.tensor1d(bias)];
            const compute = (left: Tensor, right: Tensor, added: Tensor): Tensor =>
              matMul(left as Tensor2D, right as Tensor2D, policy, { transposeB, bias: added as Tensor1D });
            const weights = tf.tensor2d(direction, [rows, columns]);
            const { value: product, grads } = tf.valueAndGrads(compute)(inputs, weights);
            return [product, ...grads].map((tensor) => tensor.dataSync());
          }) as [Float32Array, Float32Array, Float32Array, Float32Array];

          const sizes = `[${rows}, ${inner}] x [${inner}, ${columns}]`;
          const expected = referenceWithGradients({ rows, inner, columns, transposeB }, a, b, direction);
          check(
            `product of ${sizes}`,
            value,
            expected.product.map((sum, index) => sum + bias[index % columns]!),
          );
          check(`gradient of the left factor of ${sizes}`, dA, expected.dA);
          check(`gradient of the right factor of ${sizes}`, dB, expected.dB);
          const sumOfRows = reference(
            1,
            rows,
            columns,
            () => 1,
            (row, column) => direction[row * columns + column]!,
          );
          check(`gradient of the bias of ${sizes}`, dBias, sumOfRows);
        }
      });

      test(`${name}${transposeB ? ', transposed' : ''}: a batch of products and its gradients equal sums`, () => {
        const batch = 3;
        for (const [rows, inner, columns] of [
          [1, 1, 1],
          [3, 5, 7],
          [40, 33, 17],
          [7, 150, 300],
        ] as const) {
          const random = new Random(rows);
          const a = randomValues(random, batch * rows * inner);
          const b = randomValues(random, batch * inner * columns);
          const direction = randomValues(random, batch * rows * columns);
          const [value, dA, dB] = tf.tidy(() => {
            const shapeOfB: [number, number, number] = transposeB ? [batch, columns, inner] : [batch, inner, columns];
            const compute = (left: Tensor, right: Tensor): Tensor =>
              batchMatMul(left as Tensor3D, right as Tensor3D, policy, { transposeB });
            const inputs = [tf.tensor3d(a, [batch, rows, inner]), tf.tensor3d(b, shapeOfB)];
            const weights = tf.tensor3d(direction, [batch, rows, columns]);
            const { value: product, grads } = tf.valueAndGrads(compute)(inputs, weights);
            return [product, ...grads].map((tensor) => tensor.dataSync());
          }) as [Float32Array, Float32Array, Float32Array];

          for (let index = 0; index < batch; index++) {
            const part = (values: Float32Array): Float32Array => {
              const length = values.length / batch;
              return values.subarray(index * length, (index + 1) * length);
            };
            const factors = [part(a), part(b), part(direction)] as const;
            const expected = referenceWithGradients({ rows, inner, columns, transposeB }, ...factors);
            const sizes = `[${rows}, ${inner}] x [${inner}, ${columns}]`;
            check(`product ${index} of ${sizes}`, part(value), expected.product);
            check(`gradient of left factor ${index} of ${sizes}`, part(dA), expected.dA);
            check(`gradient of right factor ${index} of ${sizes}`, part(dB), expected.dB);
          }
        }
      });
    }
  }
});
