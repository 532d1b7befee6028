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
  /** Rows from this one on start with a state of zero; by default none. */
  readonly zeroFrom?: number;
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

/** Rows of one step, from the sums with their biases. */
function cellReference(hidden: number, [projected, recurrent, states]: readonly Float64Array[]): Float64Array {
  const rows = states!.length / hidden;
  // Without kernels, biases are all that a sequence adds up.
  const zeros = (size: number): Float64Array => new Float64Array(size);
  const next = Array.from({ length: rows }, (_, row) => {
    const of = (list: Float64Array, size: number): Float64Array => list.slice(row * size, (row + 1) * size);
    const biases = [of(projected!, 3 * hidden), of(recurrent!, 3 * hidden)] as const;
    return reference({ lengths: [1], time: 1, input: 1, hidden }, false, [
      ...[zeros(1), zeros(3 * hidden), biases[0], zeros(3 * hidden * hidden), biases[1]],
      of(states!, hidden),
    ]).slice(hidden);
  });
  return Float64Array.from(next.flatMap((row) => [...row]));
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

/** Different lengths, one step, more rows than a multiple of 64, and more units than a vector has. */
const SIZES: readonly Sizes[] = [
  { lengths: [4, 1, 3], time: 4, input: 3, hidden: 2 },
  { lengths: [1, 1], time: 1, input: 2, hidden: 3 },
  { lengths: Array.from({ length: 67 }, (_, row) => 1 + (row % 2)), time: 2, input: 2, hidden: 2 },
  { lengths: [3, 5, 2], time: 5, input: 7, hidden: 19 },
  { lengths: [2, 3, 1, 3], time: 3, input: 2, hidden: 3, zeroFrom: 0 },
  { lengths: [2, 3, 1, 3], time: 3, input: 2, hidden: 3, zeroFrom: 1 },
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
          inputs.at(-1)!.fill(0, (sizes.zeroFrom ?? sizes.lengths.length) * sizes.hidden);
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

  for (const { name, policy, tolerance } of availablePolicies()) {
    test(`${name}: wide layers equal the equations`, () => {
      const sizes: Sizes = { lengths: [6, 1, 4, 6, 2, 5, 3], time: 6, input: 50, hidden: 96 };
      const random = new Random(7);
      const { shapes, tensors, numbers } = twofold(sizes, false, policy);
      // Small weights, so that the gates are not saturated.
      const inputs = shapes.map((shape, index) =>
        randomValues(random, shape).map((value) => Math.fround([1, 3].includes(index) ? value / 8 : value)),
      );
      const found = tf.tidy(() =>
        tensors(...inputs.map((values, index) => tf.tensor(Float32Array.from(values), [...shapes[index]!]))).dataSync(),
      );
      const error = relativeError(found, numbers(...inputs));
      assert.ok(error < tolerance, `error ${error}`);
    });

    test(`${name}: one step of the cell equals the equations and their differences`, () => {
      const [rows, hidden] = [5, 4];
      const random = new Random(3);
      const operation: Twofold = {
        shapes: [
          [rows, 3 * hidden],
          [rows, 3 * hidden],
          [rows, hidden],
        ],
        tensors: (...[projected, recurrent, state]) =>
          gruCell(projected as Tensor2D, recurrent as Tensor2D, state as Tensor2D, policy).flatten(),
        numbers: (...values) => cellReference(hidden, values),
      };
      const inputs = operation.shapes.map((shape) => randomValues(random, shape));
      const direction = randomValues(random, [rows * hidden]);
      const { value, gradients } = compareWithDifferences(operation, inputs, direction);
      for (const [actual, expected] of [value, ...gradients]) assert.ok(relativeError(actual, expected) < 1e-5);
    });
  }
});
