import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { linearRecurrence } from '../../../../src/runtime/ops/linear-recurrence.js';
import { loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { compareWithDifferences } from '../../../support/finite-differences.js';
import { relativeError } from '../../../support/policies.js';

describe('linear recurrence', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const shape of [
    [2, 4, 3],
    [2, 1, 3],
  ] as const) {
    test(`over ${shape[1]} steps: the value equals the formula, gradients equal finite differences`, () => {
      const [batch, time, size] = shape;
      const random = new Random(4);
      const draw = (): Float64Array =>
        Float64Array.from({ length: batch * time * size }, () => Math.fround(2 * random.uniform() - 1));
      const { value, gradients } = compareWithDifferences(
        {
          shapes: [shape, shape],
          tensors: (decay, input) => linearRecurrence(decay as Tensor3D, input as Tensor3D),
          numbers: (decay, input) => {
            const values = Float64Array.from(input!);
            for (let index = 0; index < values.length; index++)
              if (Math.floor(index / size) % time > 0) values[index]! += decay![index]! * values[index - size]!;
            return values;
          },
        },
        [draw(), draw()],
        draw(),
      );
      assert.ok(relativeError(...value) < 1e-6, `value: ${relativeError(...value)}`);
      for (const [input, gradient] of gradients.entries())
        assert.ok(relativeError(...gradient) < 1e-5, `gradient ${input}: ${relativeError(...gradient)}`);
    });
  }
});
