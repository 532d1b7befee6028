import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { lstmCell, lstmSequence } from '../../../../src/runtime/ops/lstm.js';
import { PORTABLE_POLICY, type ComputePolicy } from '../../../../src/runtime/policy.js';
import { loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { availablePolicies, relativeError } from '../../../support/policies.js';

interface Sizes {
  readonly batch: number;
  readonly time: number;
  readonly input: number;
  readonly hidden: number;
}

/** Inputs by name, row by row. */
type Values = Record<
  'inputs' | 'inputKernel' | 'bias' | 'recurrentKernel' | 'initialHidden' | 'initialCell',
  Float64Array
>;

const NAMES = ['inputs', 'inputKernel', 'bias', 'recurrentKernel', 'initialHidden', 'initialCell'] as const;
const SMALL: Sizes = { batch: 3, time: 4, input: 3, hidden: 2 };
const SMALL_LENGTHS = [4, 1, 3];

function shapesOf({ batch, time, input, hidden }: Sizes): Record<keyof Values, number[]> {
  return {
    inputs: [batch, time, input],
    inputKernel: [input, 4 * hidden],
    bias: [4 * hidden],
    recurrentKernel: [hidden, 4 * hidden],
    initialHidden: [batch, hidden],
    initialCell: [batch, hidden],
  };
}

function randomValues(random: Random, shape: readonly number[], scale: number): Float64Array {
  return Float64Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () =>
    Math.fround(scale * (2 * random.uniform() - 1)),
  );
}

function randomInputs(sizes: Sizes): Values {
  const random = new Random(5);
  const shapes = shapesOf(sizes);
  const scale = 1 / Math.sqrt(sizes.hidden);
  return Object.fromEntries(
    NAMES.map((name) => [name, randomValues(random, shapes[name], name.endsWith('Kernel') ? scale : 1)]),
  ) as Values;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The LSTM equations in double precision: outputs, final hidden states and final cells, concatenated. */
function reference(
  values: Values,
  { batch, time, input, hidden }: Sizes,
  lengths: readonly number[],
  reverse: boolean,
): Float64Array {
  const outputs = new Float64Array(batch * time * hidden);
  const finals = [Float64Array.from(values.initialHidden), Float64Array.from(values.initialCell)] as const;
  for (let row = 0; row < batch; row++) {
    const order = Array.from({ length: lengths[row]! }, (_, index) => (reverse ? lengths[row]! - 1 - index : index));
    for (const step of order) {
      const previous = finals[0].slice(row * hidden, (row + 1) * hidden);
      for (let unit = 0; unit < hidden; unit++) {
        const [i, f, g, o] = [0, 1, 2, 3].map((gate) => {
          const column = gate * hidden + unit;
          let sum = values.bias[column]!;
          for (let k = 0; k < input; k++)
            sum += values.inputs[(row * time + step) * input + k]! * values.inputKernel[k * 4 * hidden + column]!;
          for (let k = 0; k < hidden; k++) sum += previous[k]! * values.recurrentKernel[k * 4 * hidden + column]!;
          return sum;
        }) as [number, number, number, number];
        const at = row * hidden + unit;
        finals[1][at] = sigmoid(f) * finals[1][at]! + sigmoid(i) * Math.tanh(g);
        finals[0][at] = sigmoid(o) * Math.tanh(finals[1][at]);
        outputs[(row * time + step) * hidden + unit] = finals[0][at];
      }
    }
  }
  return Float64Array.from([...outputs, ...finals[0], ...finals[1]]);
}

function tensorsOf(values: Values, sizes: Sizes): Record<keyof Values, Tensor> {
  const shapes = shapesOf(sizes);
  return Object.fromEntries(
    NAMES.map((name) => [name, tf.tensor(Float32Array.from(values[name]), shapes[name])]),
  ) as Record<keyof Values, Tensor>;
}

/** Direction of the sequence. */
interface Reading {
  readonly sizes: Sizes;
  readonly lengths: readonly number[];
  readonly reverse: boolean;
  readonly policy: ComputePolicy;
}

function run(tensors: Record<keyof Values, Tensor>, { lengths, reverse, policy }: Omit<Reading, 'sizes'>): Tensor1D {
  const inputs = {
    inputs: tensors.inputs as Tensor3D,
    inputKernel: tensors.inputKernel as Tensor2D,
    bias: tensors.bias as Tensor1D,
    recurrentKernel: tensors.recurrentKernel as Tensor2D,
    initialHidden: tensors.initialHidden as Tensor2D,
    initialCell: tensors.initialCell as Tensor2D,
    lengths: tf.tensor1d([...lengths], 'int32'),
    reverse,
  };
  const { outputs, finalHidden, finalCell } = lstmSequence(inputs, policy);
  return tf.concat([outputs.flatten(), finalHidden.flatten(), finalCell.flatten()]);
}

/** Gradients of the sum of all outputs, weighted by `direction`. */
function gradients(
  values: Values,
  { sizes, ...reading }: Reading,
  direction: Float64Array,
): Record<string, Float32Array> {
  return tf.tidy(() => {
    const inputs = tensorsOf(values, sizes);
    const loss = (...given: Tensor[]): Tensor => {
      const tensors = Object.fromEntries(NAMES.map((name, index) => [name, given[index]!]));
      return tf.sum(
        tf.mul(run(tensors as Record<keyof Values, Tensor>, reading), tf.tensor1d(Float32Array.from(direction))),
      );
    };
    const found = tf.grads(loss)(NAMES.map((name) => inputs[name]));
    return Object.fromEntries(NAMES.map((name, index) => [name, found[index]!.dataSync() as Float32Array]));
  });
}

describe('LSTM over a sequence', async () => {
  await loadTensorFlow({ device: 'cpu' });
  const large: Sizes = { batch: 37, time: 6, input: 24, hidden: 40 };
  const largeLengths = Array.from({ length: large.batch }, (_, row) => 1 + ((row * 5) % large.time));

  for (const { name, policy, tolerance } of availablePolicies()) {
    for (const reverse of [false, true]) {
      const direction = reverse ? 'right to left' : 'left to right';

      test(`${name}, ${direction}: results equal the equations in double precision`, () => {
        for (const [sizes, lengths] of [
          [SMALL, SMALL_LENGTHS],
          [large, largeLengths],
        ] as const) {
          const values = randomInputs(sizes);
          const actual = tf.tidy(() => run(tensorsOf(values, sizes), { lengths, reverse, policy }).dataSync());
          const error = relativeError(actual, reference(values, sizes, lengths, reverse));
          assert.ok(error < tolerance, `error ${error}`);
        }
      });

      test(`${name}, ${direction}: gradients equal finite differences`, () => {
        const values = randomInputs(SMALL);
        const weights = randomValues(new Random(9), [SMALL.batch * (SMALL.time + 2) * SMALL.hidden], 1);
        const found = gradients(values, { sizes: SMALL, lengths: SMALL_LENGTHS, reverse, policy }, weights);
        const weighted = (): number =>
          reference(values, SMALL, SMALL_LENGTHS, reverse).reduce(
            (sum, value, index) => sum + value * weights[index]!,
            0,
          );
        for (const input of NAMES) {
          const numeric = values[input].map((value, index) => {
            const at = (shift: number): number => {
              values[input][index] = value + shift;
              return weighted();
            };
            const difference = (at(1e-4) - at(-1e-4)) / 2e-4;
            values[input][index] = value;
            return difference;
          });
          const error = relativeError(found[input]!, numeric);
          assert.ok(error < tolerance, `${input}: error ${error}`);
        }
      });

      test(`${name}, ${direction}: gradients equal those of the plain ops`, () => {
        const values = randomInputs(large);
        const weights = randomValues(new Random(9), [large.batch * (large.time + 2) * large.hidden], 1);
        const reading = { sizes: large, lengths: largeLengths, reverse };
        const plain = gradients(values, { ...reading, policy: PORTABLE_POLICY }, weights);
        const found = gradients(values, { ...reading, policy }, weights);
        for (const input of NAMES) {
          const error = relativeError(found[input]!, plain[input]!);
          assert.ok(error < tolerance, `${input}: error ${error}`);
        }
      });
    }

    test(`${name}: gradients of a single step equal those of a sequence of length one`, () => {
      const sizes: Sizes = { batch: 5, time: 1, input: 7, hidden: 24 };
      const values = randomInputs(sizes);
      const weights = Float32Array.from(randomValues(new Random(2), [sizes.batch * sizes.hidden * 2], 1));
      const stepGradients = tf.tidy(() => {
        const tensors = tensorsOf(values, sizes);
        const step = (...[inputs, inputKernel, bias, kernel, hidden, cell]: Tensor[]): Tensor => {
          const product = tf.matMul(tf.reshape(inputs!, [sizes.batch, sizes.input]), inputKernel as Tensor2D);
          const projected = tf.add(product, bias!) as Tensor2D;
          const next = lstmCell(projected, tf.matMul(hidden as Tensor2D, kernel as Tensor2D), cell as Tensor2D, policy);
          return tf.sum(tf.mul(tf.concat([next.hidden.flatten(), next.cell.flatten()]), tf.tensor1d(weights)));
        };
        const found = tf.grads(step)(NAMES.map((name) => tensors[name]));
        return found.map((gradient) => gradient.dataSync() as Float32Array);
      });
      const none = new Float64Array(sizes.batch * sizes.hidden);
      const lengths = new Array<number>(sizes.batch).fill(1);
      const reading = { sizes, lengths, reverse: false, policy: PORTABLE_POLICY };
      const whole = gradients(values, reading, Float64Array.from([...none, ...weights]));
      for (const [index, input] of NAMES.entries()) {
        const error = relativeError(stepGradients[index]!, whole[input]!);
        assert.ok(error < tolerance, `${input}: error ${error}`);
      }
    });
  }
});
