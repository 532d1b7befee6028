import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { withOpForm } from '../../../../src/runtime/ops/form.js';
import { matMul } from '../../../../src/runtime/ops/matmul.js';
import { loadTensorFlow, tf } from '../../../../src/runtime/tensorflow.js';
import { availableForms, relativeError } from '../../../support/op-forms.js';

/** Rows, inner size and columns: single numbers, sizes that no vector unit likes, and more than one block of everything. */
const SIZES = [
  [1, 1, 1],
  [3, 5, 7],
  [70, 33, 17],
  [131, 600, 90],
  [65, 70, 1100],
  // Rows so many that a right factor deeper than wide is turned first.
  [520, 150, 37],
] as const;

function randomValues(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => 2 * random.uniform() - 1);
}

/** `op(a) op(b)` in double precision, where `at` functions read the factors. */
function reference(rows: number, inner: number, columns: number, a: (row: number, k: number) => number, b: (k: number, column: number) => number): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < inner; k++) {
      const left = a(row, k);
      for (let column = 0; column < columns; column++) result[row * columns + column]! += left * b(k, column);
    }
  }
  return result;
}

describe('matrix product', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const { name, form, tolerance } of availableForms()) {
    for (const transposeB of [false, true]) {
      test(`${name}${transposeB ? ', transposed' : ''}: product and gradients equal sums one number at a time`, () => {
        for (const [rows, inner, columns] of SIZES) {
          const random = new Random(rows);
          const a = randomValues(random, rows * inner);
          const b = randomValues(random, inner * columns);
          const bias = randomValues(random, columns);
          const direction = randomValues(random, rows * columns);
          const bAt = (k: number, column: number): number => (transposeB ? b[column * inner + k]! : b[k * columns + column]!);
          const aAt = (row: number, k: number): number => a[row * inner + k]!;
          const [value, ofA, ofB, ofBias] = withOpForm(form, () =>
            tf.tidy(() => {
              const inputs = [tf.tensor2d(a, [rows, inner]), tf.tensor2d(b, transposeB ? [columns, inner] : [inner, columns]), tf.tensor1d(bias)] as const;
              const compute = (left: Tensor, right: Tensor, added: Tensor): Tensor => matMul(left as Tensor2D, right as Tensor2D, { transposeB, bias: added as Tensor1D });
              const { value: product, grads } = tf.valueAndGrads(compute)([...inputs], tf.tensor2d(direction, [rows, columns]));
              return [product, ...grads].map((tensor) => tensor.dataSync());
            }),
          ) as [Float32Array, Float32Array, Float32Array, Float32Array];

          const check = (what: string, actual: Float32Array, expected: Float64Array): void => {
            const error = relativeError(actual, expected);
            assert.ok(error < tolerance, `${what} of [${rows}, ${inner}] x [${inner}, ${columns}]: error ${error}`);
          };
          const dAt = (row: number, column: number): number => direction[row * columns + column]!;
          const expected = reference(rows, inner, columns, aAt, bAt).map((sum, index) => sum + bias[index % columns]!);
          check('product', value, expected);
          check('gradient of the left', ofA, reference(rows, columns, inner, dAt, (column, k) => bAt(k, column)));
          check('gradient of the right', ofB, transposeB ? reference(columns, rows, inner, (column, row) => dAt(row, column), aAt) : reference(inner, rows, columns, (k, row) => aAt(row, k), dAt));
          check('gradient of the bias', ofBias, reference(1, rows, columns, () => 1, dAt));
        }
      });
    }
  }
});
