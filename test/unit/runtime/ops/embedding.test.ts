import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { embed, selectRows } from '../../../../src/runtime/ops/embedding.js';
import { loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { compareWithDifferences, type Twofold } from '../../../support/finite-differences.js';
import { relativeError } from '../../../support/policies.js';

const [ROWS, COLUMNS] = [5, 3];

function rowsOf(ids: readonly number[]): Twofold['numbers'] {
  return (table) => ids.flatMap((id) => Array.from(table!.subarray(id * COLUMNS, (id + 1) * COLUMNS)));
}

describe('rows of a matrix', async () => {
  await loadTensorFlow({ device: 'cpu' });
  const values = Float64Array.from({ length: ROWS * COLUMNS }, (_, index) => Math.sin(index));
  const direction = Float64Array.from({ length: ROWS * COLUMNS }, (_, index) => Math.cos(3 * index));

  const check = (compute: (table: Tensor2D) => Tensor2D, ids: readonly number[]): void => {
    const op: Twofold = {
      shapes: [[ROWS, COLUMNS]],
      tensors: (table) => compute(table as Tensor2D),
      numbers: rowsOf(ids),
    };
    const { value, gradients } = compareWithDifferences(op, [values], direction.subarray(0, ids.length * COLUMNS));
    for (const [actual, expected] of [value, ...gradients]) assert.ok(relativeError(actual, expected) < 1e-6);
  };

  test('the gradient of an embedding is summed over its positions, and zero for unused rows', () => {
    const ids = [4, 1, 1, 0];
    check((table) => embed(table, tf.tensor1d(ids, 'int32')), ids);
  });

  test('the gradient of a selected row is summed over its selections, and zero for unselected rows', () => {
    const ids = [3, 0, 2, 0];
    check((table) => selectRows(table, tf.tensor1d(ids, 'int32')), ids);
  });
});
