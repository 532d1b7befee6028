import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { gruCell, gruSequence } from '../../../../src/runtime/ops/gru.js';
import type { ComputePolicy } from '../../../../src/runtime/policy.js';
import { loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { compareWithDifferences, type Twofold } from '../../../support/finite-differences.js';
import { availablePolicies, relativeError } from '../../../support/policies.js';

interface Sizes {
  readonly lengths: readonly number[];
  readonly time: number;
  readonly input: number;
  readonly hidden: number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function shapesOf({ lengths, time, input, hidden }: Sizes): number[][] {
  const gates = 3 * hidden;
  return [[lengths.length, time, input], [input, gates], [gates], [hidden, gates], [gates], [lengths.length, hidden]];
}

/** The GRU equations in double precision: outputs and final hidden states, concatenated. */
function reference(
  { lengths, time, input, hidden }: Sizes,
  reverse: boolean,
  [inputs, kernel, bias, recurrentKernel, recurrentBias, initial]: readonly Float64Array[],
): Float64Array {
  const outputs = new Float64Array(lengths.length * time * hidden);
  const state = Float64Array.from(initial!);
  for (const [row, length] of lengths.entries()) {
    for (let count = 0; count < length; count++) {
      const step = reverse ? length - 1 - count : count;
      const before = state.slice(row * hidden, (row + 1) * hidden);
      for (let unit = 0; unit < hidden; unit++) {
        const sums = [0, 1, 2].map((gate) => {
          const column = gate * hidden + unit;
          let [projected, recurrent] = [bias![column]!, recurrentBias![column]!];
          for (let k = 0; k < input; k++)
            projected += inputs![(row * time + step) * input + k]! * kernel![k * 3 * hidden + column]!;
          for (let k = 0; k < hidden; k++) recurrent += before[k]! * recurrentKernel![k * 3 * hidden + column]!;
          return { projected, recurrent };
        });
        const [r, z] = sums.map(({ projected, recurrent }) => sigmoid(projected + recurrent));
        const n = Math.tanh(sums[2]!.projected + r! * sums[2]!.recurrent);
        state[row * hidden + unit] = (1 - z!) * n + z! * before[unit]!;
      }
      outputs.set(state.slice(row * hidden, (row + 1) * hidden), (row * time + step) * hidden);
    }
  }
  return Float64Array.from([...outputs, ...state]);
}

function twofold(sizes: Sizes, reverse: boolean, policy: ComputePolicy): Twofold {
  return {
    shapes: shapesOf(sizes),
    tensors: (...[inputs, inputKernel, bias, recurrentKernel, recurrentBias, initialHidden]: Tensor[]) => {
      const { outputs, finalHidden } = gruSequence(
        {
          inputs: inputs as Tensor3D,
          inputKernel: inputKernel as Tensor2D,
          bias: bias as Tensor1D,
          recurrentKernel: recurrentKernel as Tensor2D,
          recurrentBias: recurrentBias as Tensor1D,
          initialHidden: initialHidden as Tensor2D,
          lengths: tf.tensor1d([...sizes.lengths], 'int32'),
          reverse,
        },
        policy,
      );
      return tf.concat([outputs.flatten(), finalHidden.flatten()]);
    },
    numbers: (...values) => reference(sizes, reverse, values),
  };
}

function randomValues(random: Random, shape: readonly number[]): Float64Array {
  return Float64Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () =>
    Math.fround(2 * random.uniform() - 1),
  );
}

/** Different lengths, one step, and more rows than a multiple of 64. */
const SIZES: readonly Sizes[] = [
  { lengths: [4, 1, 3], time: 4, input: 3, hidden: 2 },
  { lengths: [1, 1], time: 1, input: 2, hidden: 3 },
  { lengths: Array.from({ length: 67 }, (_, row) => 1 + (row % 2)), time: 2, input: 2, hidden: 2 },
];

describe('GRU over a sequence', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const { name, policy, tolerance } of availablePolicies()) {
    for (const reverse of [false, true]) {
      test(`${name}, ${reverse ? 'right to left' : 'left to right'}: equals the equations and their differences`, () => {
        for (const sizes of SIZES) {
          const random = new Random(5);
          const operation = twofold(sizes, reverse, policy);
          const inputs = operation.shapes.map((shape) => randomValues(random, shape));
          const direction = randomValues(random, [operation.numbers(...inputs).length]);
          const { value, gradients } = compareWithDifferences(operation, inputs, direction);
          for (const [index, [actual, expected]] of [value, ...gradients].entries()) {
            const error = relativeError(actual, expected);
            const place = `${sizes.lengths.length} rows, ${index === 0 ? 'value' : `gradient ${index - 1}`}`;
            assert.ok(error < tolerance, `${place}: error ${error}`);
          }
        }
      });
    }
  }

  test('one step of the cell equals a sequence of length one', () => {
    const sizes: Sizes = { lengths: [1, 1, 1], time: 1, input: 2, hidden: 4 };
    const random = new Random(3);
    const drawn = (columns: number): Float64Array => randomValues(random, [3, columns]);
    const [projected, recurrent, hidden] = [drawn(12), drawn(12), drawn(4)];
    const matrix = (values: Float64Array): Tensor2D => tf.tensor2d(Float32Array.from(values), [3, values.length / 3]);
    const found = tf.tidy(() => gruCell(matrix(projected), matrix(recurrent), matrix(hidden)).dataSync());
    for (let row = 0; row < 3; row++) {
      // Without kernels, biases are all that a sequence adds up.
      const of = (list: Float64Array, size: number): Float64Array => list.slice(row * size, (row + 1) * size);
      const none = (size: number): Float64Array => new Float64Array(size);
      const expected = reference({ ...sizes, lengths: [1] }, false, [
        none(2),
        none(24),
        of(projected, 12),
        none(48),
        of(recurrent, 12),
        of(hidden, 4),
      ]);
      assert.ok(relativeError(found.slice(row * 4, (row + 1) * 4), expected.slice(4)) < 1e-6);
    }
  });
});
