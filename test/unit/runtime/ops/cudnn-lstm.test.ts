import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import {
  implementationsAgree,
  cudnnIsCorrect,
  cudnnLstmSequence,
  type CudnnLstmOps,
  type LstmSequence,
} from '../../../../src/runtime/ops/cudnn-lstm.js';
import { lstmSequence, sequenceKernel, type LstmSequenceInputs } from '../../../../src/runtime/ops/lstm.js';
import { PORTABLE_POLICY } from '../../../../src/runtime/policy.js';
import { loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { relativeError } from '../../../support/policies.js';

/*
 * The tests run without a GPU. They replace cuDNN's ops by an implementation of cuDNN's documentation (cudnnRNNForward
 * and cudnnGetRNNWeightParams): linear layers 0 to 3 are the input, forget, new memory and output gate of the input, 4
 * to 7 those of the hidden state; weights first, then biases. This verifies the layout of the inputs.
 */
interface Read {
  readonly sequence: Tensor3D;
  readonly hidden: Tensor2D;
  readonly cell: Tensor2D;
  /** Kernels of the linear layers, `[hidden, input]` and `[hidden, hidden]`. */
  readonly kernels: readonly Tensor2D[];
  readonly biases: readonly Tensor2D[];
  readonly lengths: Tensor1D;
}

interface Step {
  readonly x: Tensor2D;
  readonly before: { readonly h: Tensor2D; readonly c: Tensor2D };
  readonly gates: readonly [Tensor2D, Tensor2D, Tensor2D, Tensor2D];
  readonly cell: Tensor2D;
  /** 1 for rows that have this step. */
  readonly real: Tensor2D;
}

function read([sequence, hidden, cell, parameters, lengths]: readonly Tensor[]): Read {
  const inputSize = sequence!.shape[2]!;
  const hiddenSize = hidden!.shape[2]!;
  let offset = 0;
  const take = (rows: number, columns: number): Tensor2D => {
    const part = tf.reshape(tf.slice(parameters as Tensor1D, offset, rows * columns), [rows, columns]) as Tensor2D;
    offset += rows * columns;
    return part;
  };
  const kernels = Array.from({ length: 8 }, (_, layer) => take(hiddenSize, layer < 4 ? inputSize : hiddenSize));
  const biases = Array.from({ length: 8 }, () => take(1, hiddenSize));
  assert.equal(offset, parameters!.size);
  return {
    sequence: sequence as Tensor3D,
    hidden: tf.squeeze(hidden!, [0]),
    cell: tf.squeeze(cell!, [0]),
    kernels,
    biases,
    lengths: lengths as Tensor1D,
  };
}

function run({ sequence, hidden, cell, kernels, biases, lengths }: Read): {
  results: [Tensor3D, Tensor3D, Tensor3D];
  steps: Step[];
} {
  let [h, c] = [hidden, cell];
  const outputs: Tensor2D[] = [];
  const steps: Step[] = [];
  for (const [step, x] of (tf.unstack(sequence) as Tensor2D[]).entries()) {
    const sums = [0, 1, 2, 3].map(
      (gate) =>
        tf.add(
          tf.add(tf.matMul(x, kernels[gate]!, false, true), tf.matMul(h, kernels[gate + 4]!, false, true)),
          tf.add(biases[gate]!, biases[gate + 4]!),
        ) as Tensor2D,
    );
    const gates = [tf.sigmoid(sums[0]!), tf.sigmoid(sums[1]!), tf.tanh(sums[2]!), tf.sigmoid(sums[3]!)] as const;
    const [i, f, g, o] = gates;
    const real = tf.expandDims(tf.cast(tf.greater(lengths, step), 'float32'), 1) as Tensor2D;
    const next = tf.add(tf.mul(f, c), tf.mul(i, g)) as Tensor2D;
    const output = tf.mul(real, tf.mul(o, tf.tanh(next))) as Tensor2D;
    steps.push({ x, before: { h, c }, gates: [...gates], cell: next, real });
    c = tf.add(tf.mul(real, next), tf.mul(tf.sub(1, real), c));
    h = tf.add(output, tf.mul(tf.sub(1, real), h));
    outputs.push(output);
  }
  return { results: [tf.stack(outputs) as Tensor3D, tf.expandDims(h, 0), tf.expandDims(c, 0)], steps };
}

/** Backpropagation through time. */
function gradientsOf(given: Read, steps: readonly Step[], [dOutput, dHidden, dCell]: readonly Tensor[]): Tensor[] {
  let [dh, dc] = [dHidden, dCell].map((tensor) => tf.squeeze<Tensor2D>(tensor!, [0])) as [Tensor2D, Tensor2D];
  const dKernels = given.kernels.map((kernel) => tf.zerosLike(kernel));
  const dBiases = given.biases.map((bias) => tf.zerosLike(bias));
  const dInputs: Tensor2D[] = [];
  const dOutputs = tf.unstack(dOutput!) as Tensor2D[];
  for (const [
    step,
    {
      x,
      before: { h, c },
      gates: [i, f, g, o],
      cell,
      real,
    },
  ] of [...steps.entries()].reverse()) {
    const padded = tf.sub(1, real);
    const atOutput = tf.mul(real, tf.add(dh, dOutputs[step]!));
    const atCell = tf.add(tf.mul(real, dc), tf.mul(tf.mul(atOutput, o), tf.sub(1, tf.square(tf.tanh(cell)))));
    const slope = (gate: Tensor): Tensor => tf.mul(gate, tf.sub(1, gate));
    const dSums = [
      tf.mul(tf.mul(atCell, g), slope(i)),
      tf.mul(tf.mul(atCell, c), slope(f)),
      tf.mul(tf.mul(atCell, i), tf.sub(1, tf.square(g))),
      tf.mul(tf.mul(atOutput, tf.tanh(cell)), slope(o)),
    ] as Tensor2D[];
    for (const [gate, dSum] of dSums.entries()) {
      for (const [layer, input] of [
        [gate, x],
        [gate + 4, h],
      ] as const) {
        dKernels[layer] = tf.add(dKernels[layer]!, tf.matMul(dSum, input, true));
        dBiases[layer] = tf.add(dBiases[layer]!, tf.sum(dSum, 0, true));
      }
    }
    dInputs.unshift(tf.addN(dSums.map((dSum, gate) => tf.matMul(dSum, given.kernels[gate]!))));
    dh = tf.addN<Tensor2D>([
      ...dSums.map((dSum, gate) => tf.matMul<Tensor2D>(dSum, given.kernels[gate + 4]!)),
      tf.mul<Tensor2D>(padded, dh),
    ]);
    dc = tf.add<Tensor2D>(tf.mul(atCell, f), tf.mul(padded, dc));
  }
  const flat = [...dKernels, ...dBiases].map((tensor) => tf.reshape(tensor, [-1]) as Tensor1D);
  return [tf.stack(dInputs), tf.expandDims(dh, 0), tf.expandDims(dc, 0), tf.concat(flat)];
}

const asDescribed: CudnnLstmOps = {
  forward: (inputs) => [...run(read(inputs)).results, tf.scalar(0.5), tf.scalar(0.25)],
  backward: (inputs) => {
    const [output, hidden, cell, dOutput, dHidden, dCell, ...reserved] = inputs.slice(5);
    const savedOutputs = reserved.map((tensor) => tensor.dataSync()[0]);
    assert.deepEqual(savedOutputs, [0.5, 0.25], 'the last two outputs of the forward op are inputs of the backward op');
    const given = read(inputs);
    const { results, steps } = run(given);
    for (const [index, result] of [output, hidden, cell].entries())
      assert.ok(relativeError(result!.dataSync(), results[index]!.dataSync()) < 1e-6);
    return gradientsOf(given, steps, [dOutput!, dHidden!, dCell!]);
  },
};

const FUSED = { ...PORTABLE_POLICY, kernels: 'fused' } as const;
const plain: LstmSequence = (inputs) => lstmSequence(inputs, PORTABLE_POLICY);
const by =
  (ops: CudnnLstmOps): LstmSequence =>
  (inputs, policy) =>
    cudnnLstmSequence(inputs, policy, ops);

describe('LSTM by cuDNN', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  for (const reverse of [false, true]) {
    const direction = reverse ? 'right to left' : 'left to right';
    test(`passes inputs in cuDNN's layout; results and gradients equal those of the plain ops, ${direction}`, () => {
      const shapes = [[3, 5, 2], [2, 16], [16], [4, 16], [3, 4], [3, 4]];
      const compute = (sequence: LstmSequence): ArrayLike<number>[] =>
        tf.tidy(() => {
          const given = shapes.map((shape, index) => tf.randomUniform(shape, -1, 1, 'float32', index + 1));
          const flat = (
            ...[inputs, inputKernel, bias, recurrentKernel, initialHidden, initialCell]: Tensor[]
          ): Tensor => {
            const lengths = tf.tensor1d([2, 5, 1], 'int32');
            const weights = { inputKernel, bias, recurrentKernel, initialHidden, initialCell };
            const all = { inputs, ...weights, lengths, reverse } as LstmSequenceInputs;
            const { outputs, finalHidden, finalCell } = sequence(all, FUSED);
            return tf.concat([outputs.flatten(), finalHidden.flatten(), finalCell.flatten()]);
          };
          const loss = (...tensors: Tensor[]): Tensor =>
            tf.sum(tf.mul(flat(...tensors), tf.randomUniform([3 * 5 * 4 + 24], -1, 1, 'float32', 9)));
          return [flat(...given), ...tf.grads(loss)(given)].map((tensor) => tensor.dataSync());
        });
      const expected = compute(plain);
      for (const [index, actual] of compute(by(asDescribed)).entries()) {
        const error = relativeError(actual, expected[index]!);
        assert.ok(error < 1e-5, `${index}: error ${error}`);
      }
    });
  }

  test('the comparison leaks no tensor', () => {
    const { numTensors } = tf.memory();
    assert.ok(implementationsAgree(by(asDescribed), plain, FUSED));
    assert.equal(tf.memory().numTensors, numTensors);
  });

  test('the comparison detects an LSTM that is wrong or fails', () => {
    const otherCell: CudnnLstmOps = {
      ...asDescribed,
      forward: (...given) =>
        asDescribed.forward(...given).map((tensor, index) => (index === 2 ? tf.mul(tensor, 1.2) : tensor)),
    };
    const otherGradient: CudnnLstmOps = {
      ...asDescribed,
      backward: (...given) => asDescribed.backward(...given).map((tensor) => tf.neg(tensor)),
    };
    for (const ops of [otherCell, otherGradient]) assert.equal(implementationsAgree(by(ops), plain, FUSED), false);
    assert.equal(implementationsAgree(cudnnLstmSequence, plain, FUSED), false, 'CPUs have no kernel for these ops');
  });

  test('is not used without a GPU', () => {
    assert.equal(cudnnIsCorrect(plain, FUSED, asDescribed), false);
    assert.equal(sequenceKernel(FUSED), 'block');
    assert.equal(sequenceKernel(PORTABLE_POLICY), 'plain');
    assert.equal(sequenceKernel({ ...PORTABLE_POLICY, kernels: 'custom' }), 'custom');
  });
});
