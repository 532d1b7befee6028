import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy, Precision } from '../policy.js';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';
import { withGradients } from './gradient.js';
import type { LstmSequenceInputs, LstmSequenceOutputs } from './lstm.js';
import { inFloat32, inPrecision } from './product.js';
import { toBatchMajor, sequenceMask, toTimeMajor } from './time-major.js';

/**
 * CudnnRNNV3 and CudnnRNNBackpropV3 (tensorflow/core/ops/cudnn_rnn_ops.cc), which have only GPU kernels. Tests replace
 * them with another implementation.
 */
export interface CudnnLstmOps {
  /**
   * @param inputs sequence `[time, batch, input]`, hidden state and cell `[1, batch, hidden]`, the flat parameters, and
   *   int32 lengths `[batch]`
   * @returns outputs `[time, batch, hidden]`, hidden state and cell `[1, batch, hidden]`, two tensors for `backward`
   */
  forward(inputs: readonly Tensor[], precision: Precision): Tensor[];
  /**
   * @param inputs the inputs of `forward`, its first three outputs, their gradients, and its last two outputs
   * @returns gradients of the first four inputs
   */
  backward(inputs: readonly Tensor[], precision: Precision): Tensor[];
}

const nativeOps: CudnnLstmOps = {
  forward: (inputs, precision) =>
    execute('CudnnRNNV3', [...commonAttributes(precision), attribute.bool('is_training', true)], inputs, 5),
  backward: (inputs, precision) => execute('CudnnRNNBackpropV3', commonAttributes(precision), inputs, 4),
};

function commonAttributes(precision: Precision): ReturnType<typeof attribute.bool>[] {
  return [
    attribute.type('T', precision),
    attribute.string('rnn_mode', 'lstm'),
    attribute.string('input_mode', 'linear_input'),
    attribute.string('direction', 'unidirectional'),
    attribute.float('dropout', 0),
    attribute.int('seed', 0),
    attribute.int('seed2', 0),
    attribute.int('num_proj', 0),
    attribute.bool('time_major', true),
  ];
}

/**
 * `lstmSequence` with cuDNN. Inputs, hidden states and products have the policy's precision; weights and their
 * gradients are float32.
 */
export function cudnnLstmSequence(
  args: LstmSequenceInputs,
  { precision }: Pick<ComputePolicy, 'precision'>,
  ops: CudnnLstmOps = nativeOps,
): LstmSequenceOutputs {
  const { inputs, inputKernel, bias, recurrentKernel, initialHidden, initialCell, lengths, reverse = false } = args;
  const [, time, inputSize] = inputs.shape;
  const hiddenSize = recurrentKernel.shape[0];
  const rounded = (tensor: Tensor): Tensor => inPrecision(tensor, precision);
  const exact = <Result extends Tensor>(tensor: Tensor): Result => inFloat32(tensor, precision) as Result;
  const [outputs, finalHidden, finalCell] = withGradients(
    [inputs, inputKernel, bias, recurrentKernel, initialHidden, initialCell],
    (save) => {
      const states = [initialHidden, initialCell].map((state) => rounded(tf.expandDims(state, 0)));
      const read = [
        rounded(toTimeMajor(inputs, lengths, reverse)),
        ...states,
        rounded(flatParameters(inputKernel, recurrentKernel, bias)),
        lengths,
      ];
      const results = ops.forward(read, precision);
      save([...read, ...results]);
      const [sequence, hidden, cell] = results.slice(0, 3).map((tensor) => exact(tensor)) as [
        Tensor3D,
        Tensor3D,
        Tensor3D,
      ];
      return [toBatchMajor(sequence, lengths, reverse), tf.squeeze(hidden, [0]), tf.squeeze(cell, [0])];
    },
    ([dOutputs, dHidden, dCell], saved) => {
      const [read, results] = [saved.slice(0, 5), saved.slice(5)];
      const ends = read[4] as Tensor1D;
      const dSequence = toTimeMajor(
        tf.mul(dOutputs as Tensor3D, tf.expandDims(sequenceMask(ends, time), 2)),
        ends,
        reverse,
      );
      const dResults = [dSequence, ...[dHidden!, dCell!].map((state) => tf.expandDims(state, 0))].map(rounded);
      const [dInputs, dInitialHidden, dInitialCell, dParameters] = ops
        .backward([...read, ...results.slice(0, 3), ...dResults, ...results.slice(3)], precision)
        .map((tensor) => exact(tensor)) as [Tensor3D, Tensor3D, Tensor3D, Tensor1D];
      const { dInputKernel, dRecurrentKernel, dBias } = splitParameters(dParameters, inputSize, hiddenSize);
      return [
        toBatchMajor(dInputs, ends, reverse),
        dInputKernel,
        dBias,
        dRecurrentKernel,
        tf.squeeze(dInitialHidden, [0]),
        tf.squeeze(dInitialCell, [0]),
      ];
    },
  );
  return { outputs: outputs as Tensor3D, finalHidden: finalHidden as Tensor2D, finalCell: finalCell as Tensor2D };
}

/**
 * Flattens the weights into cuDNN's layout: the input kernel `[hidden, input]` of each gate, the recurrent kernels
 * `[hidden, hidden]`, the input biases, and the recurrent biases, which are zero here. Gates are in the same order as
 * ours. Keras uses this layout for the same op (keras/src/backend/tensorflow/rnn.py).
 */
function flatParameters(inputKernel: Tensor2D, recurrentKernel: Tensor2D, bias: Tensor1D): Tensor1D {
  const kernels = [inputKernel, recurrentKernel].map((kernel) => tf.reshape(tf.transpose(kernel), [-1]));
  return tf.concat([...kernels, bias, tf.zerosLike(bias)] as Tensor1D[]);
}

/** The inverse of `flatParameters`, for gradients. */
function splitParameters(
  parameters: Tensor1D,
  inputSize: number,
  hiddenSize: number,
): { dInputKernel: Tensor2D; dRecurrentKernel: Tensor2D; dBias: Tensor1D } {
  const gates = 4 * hiddenSize;
  const [input, recurrent, dBias] = tf.split(parameters, [gates * inputSize, gates * hiddenSize, gates, gates]) as [
    Tensor1D,
    Tensor1D,
    Tensor1D,
    Tensor1D,
  ];
  const kernel = (flat: Tensor1D, rows: number): Tensor2D => tf.transpose(tf.reshape(flat, [gates, rows])) as Tensor2D;
  return { dInputKernel: kernel(input, inputSize), dRecurrentKernel: kernel(recurrent, hiddenSize), dBias };
}

/** Largest accepted difference, relative to the largest value; float16, bfloat16 and TF32 products stay below it. */
const TOLERANCE = 0.05;

const verdicts = new Map<Precision, boolean>();

/** An implementation of `lstmSequence`. */
export type LstmSequence = (inputs: LstmSequenceInputs, policy: ComputePolicy) => LstmSequenceOutputs;

/**
 * Whether cuDNN's LSTM runs and is correct on this device. Compares outputs and gradients of a few short sequences with
 * `reference`, once per process and precision. Training falls back to a slower implementation for the combinations of
 * CUDA, driver and GPU on which cuDNN fails.
 */
export function cudnnIsCorrect(reference: LstmSequence, policy: ComputePolicy, ops: CudnnLstmOps = nativeOps): boolean {
  const { precision } = policy;
  const known = verdicts.get(precision);
  if (known !== undefined) return known;
  const cudnn: LstmSequence = (inputs) => cudnnLstmSequence(inputs, policy, ops);
  const verdict = usesGpu() && implementationsAgree(cudnn, reference, policy);
  verdicts.set(precision, verdict);
  return verdict;
}

/** Whether TensorFlow found a GPU that it can use. */
function usesGpu(): boolean {
  return (tf.backend() as unknown as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}

/** Whether two LSTM implementations have equal outputs and gradients within the tolerance; false if one throws. */
export function implementationsAgree(left: LstmSequence, right: LstmSequence, policy: ComputePolicy): boolean {
  try {
    return tf.tidy(() => {
      const values = (shape: number[], seed: number): Tensor =>
        tf.sin(tf.mul(tf.range(1, 1 + shape.reduce((a, b) => a * b, 1)), seed)).reshape(shape);
      const weights = [
        values([3, 4, 8], 1.1),
        values([8, 32], 1.3),
        values([32], 1.7),
        values([8, 32], 1.9),
        values([3, 8], 2.3),
        values([3, 8], 2.9),
      ];
      const lengths = tf.tensor1d([4, 2, 1], 'int32');
      return [false, true].every((reverse) => {
        const results = [left, right].map((compute) => {
          const flat = (
            ...[inputs, inputKernel, bias, recurrentKernel, initialHidden, initialCell]: Tensor[]
          ): Tensor => {
            const args = {
              inputs,
              inputKernel,
              bias,
              recurrentKernel,
              initialHidden,
              initialCell,
              lengths,
              reverse,
            } as LstmSequenceInputs;
            const { outputs, finalHidden, finalCell } = compute(args, policy);
            return tf.concat([outputs.flatten(), finalHidden.flatten(), finalCell.flatten()]);
          };
          const { grads, value } = tf.valueAndGrads((...inputs: Tensor[]) =>
            tf.sum(tf.mul(flat(...inputs), values([3 * 4 * 8 + 2 * 3 * 8], 0.7))),
          )(weights);
          return [value, flat(...weights), ...grads];
        });
        return results[0]!.every((tensor, index) => relativeDifference(tensor, results[1]![index]!) < TOLERANCE);
      });
    });
  } catch {
    return false;
  }
}

function relativeDifference(left: Tensor, right: Tensor): number {
  return tf.div(tf.max(tf.abs(tf.sub(left, right))), tf.max(tf.abs(right))).dataSync()[0]!;
}
