import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy, Precision } from '../policy.js';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';
import { withGradients } from './gradient.js';
import type { LstmSequenceInputs, LstmSequenceOutputs } from './lstm.js';
import { inFloat32, inPrecision } from './product.js';
import { batchFirst, realSteps, timeFirst } from './time-major.js';

/**
 * TensorFlow's ops for cuDNN's recurrent layers, CudnnRNNV3 and CudnnRNNBackpropV3 (tensorflow/core/ops/cudnn_rnn_ops.cc),
 * which have only GPU kernels. Tests replace them with another implementation.
 */
export interface CudnnLstmOps {
  /**
   * @param inputs sequence `[time, batch, input]`, hidden state and cell `[1, batch, hidden]`, the flat parameters, and
   *   int32 lengths `[batch]`
   * @returns outputs `[time, batch, hidden]`, hidden state and cell `[1, batch, hidden]`, and two tensors for the gradient
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
 * `lstmSequence` by cuDNN. Inputs, hidden states and products have the policy's precision; weights and their gradients are
 * float32.
 */
export function cudnnLstmSequence(
  given: LstmSequenceInputs,
  { precision }: Pick<ComputePolicy, 'precision'>,
  ops: CudnnLstmOps = nativeOps,
): LstmSequenceOutputs {
  const { inputs, inputKernel, bias, recurrentKernel, initialHidden, initialCell, lengths, reverse = false } = given;
  const [, time, inputSize] = inputs.shape;
  const hiddenSize = recurrentKernel.shape[0];
  const rounded = (tensor: Tensor): Tensor => inPrecision(tensor, precision);
  const exact = <Result extends Tensor>(tensor: Tensor): Result => inFloat32(tensor, precision) as Result;
  const [outputs, finalHidden, finalCell] = withGradients(
    [inputs, inputKernel, bias, recurrentKernel, initialHidden, initialCell],
    (save) => {
      const states = [initialHidden, initialCell].map((state) => rounded(tf.expandDims(state, 0)));
      const read = [
        rounded(timeFirst(inputs, lengths, reverse)),
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
      return [batchFirst(sequence, lengths, reverse), tf.squeeze(hidden, [0]), tf.squeeze(cell, [0])];
    },
    ([ofOutputs, ofHidden, ofCell], saved) => {
      const [read, results] = [saved.slice(0, 5), saved.slice(5)];
      const ends = read[4] as Tensor1D;
      const ofSequence = timeFirst(
        tf.mul(ofOutputs as Tensor3D, tf.expandDims(realSteps(ends, time), 2)),
        ends,
        reverse,
      );
      const ofResults = [ofSequence, ...[ofHidden!, ofCell!].map((state) => tf.expandDims(state, 0))].map(rounded);
      const [ofInputs, ofInitialHidden, ofInitialCell, ofParameters] = ops
        .backward([...read, ...results.slice(0, 3), ...ofResults, ...results.slice(3)], precision)
        .map((tensor) => exact(tensor)) as [Tensor3D, Tensor3D, Tensor3D, Tensor1D];
      const { ofInputKernel, ofRecurrentKernel, ofBias } = splitParameters(ofParameters, inputSize, hiddenSize);
      return [
        batchFirst(ofInputs, ends, reverse),
        ofInputKernel,
        ofBias,
        ofRecurrentKernel,
        tf.squeeze(ofInitialHidden, [0]),
        tf.squeeze(ofInitialCell, [0]),
      ];
    },
  );
  return { outputs: outputs as Tensor3D, finalHidden: finalHidden as Tensor2D, finalCell: finalCell as Tensor2D };
}

/**
 * The weights as cuDNN reads them, one after the other: the input kernel of each gate, `[hidden, input]`, the recurrent
 * kernels, `[hidden, hidden]`, a bias for the inputs and one for the hidden state, of which we have one. The gates are in our
 * order. (Keras hands its weights to the same op in this layout: keras/src/backend/tensorflow/rnn.py.)
 */
function flatParameters(inputKernel: Tensor2D, recurrentKernel: Tensor2D, bias: Tensor1D): Tensor1D {
  const kernels = [inputKernel, recurrentKernel].map((kernel) => tf.reshape(tf.transpose(kernel), [-1]));
  return tf.concat([...kernels, bias, tf.zerosLike(bias)] as Tensor1D[]);
}

/** The way back, for their gradients. */
function splitParameters(
  parameters: Tensor1D,
  inputSize: number,
  hiddenSize: number,
): { ofInputKernel: Tensor2D; ofRecurrentKernel: Tensor2D; ofBias: Tensor1D } {
  const gates = 4 * hiddenSize;
  const [input, recurrent, ofBias] = tf.split(parameters, [gates * inputSize, gates * hiddenSize, gates, gates]) as [
    Tensor1D,
    Tensor1D,
    Tensor1D,
    Tensor1D,
  ];
  const kernel = (flat: Tensor1D, rows: number): Tensor2D => tf.transpose(tf.reshape(flat, [gates, rows])) as Tensor2D;
  return { ofInputKernel: kernel(input, inputSize), ofRecurrentKernel: kernel(recurrent, hiddenSize), ofBias };
}

/** Largest difference, relative to the largest number, that float16, bfloat16 and TF32 products may make in the check. */
const TOLERANCE = 0.05;

const verdicts = new Map<Precision, boolean>();

/** An implementation of `lstmSequence`. */
export type LstmSequence = (inputs: LstmSequenceInputs, policy: ComputePolicy) => LstmSequenceOutputs;

/**
 * Whether cuDNN's LSTM works on this device and is correct. Compares outputs and gradients of a few short sequences with
 * `reference`, once per process and precision. There are many versions of CUDA, drivers and GPUs; where cuDNN's LSTM fails,
 * training is only slower without it.
 */
export function cudnnIsCorrect(reference: LstmSequence, policy: ComputePolicy, ops: CudnnLstmOps = nativeOps): boolean {
  const { precision } = policy;
  const known = verdicts.get(precision);
  if (known !== undefined) return known;
  const verdict = usesGpu() && agree((inputs) => cudnnLstmSequence(inputs, policy, ops), reference, policy);
  verdicts.set(precision, verdict);
  return verdict;
}

/** Whether TensorFlow found a GPU that it can use. */
function usesGpu(): boolean {
  return (tf.backend() as unknown as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}

/** Whether two implementations of an LSTM agree, gradients included; one that throws does not agree. */
export function agree(left: LstmSequence, right: LstmSequence, policy: ComputePolicy): boolean {
  try {
    return tf.tidy(() => {
      const of = (shape: number[], seed: number): Tensor =>
        tf.sin(tf.mul(tf.range(1, 1 + shape.reduce((a, b) => a * b, 1)), seed)).reshape(shape);
      const weights = [
        of([3, 4, 8], 1.1),
        of([8, 32], 1.3),
        of([32], 1.7),
        of([8, 32], 1.9),
        of([3, 8], 2.3),
        of([3, 8], 2.9),
      ];
      const lengths = tf.tensor1d([4, 2, 1], 'int32');
      return [false, true].every((reverse) => {
        const results = [left, right].map((compute) => {
          const flat = (
            ...[inputs, inputKernel, bias, recurrentKernel, initialHidden, initialCell]: Tensor[]
          ): Tensor => {
            const given = {
              inputs,
              inputKernel,
              bias,
              recurrentKernel,
              initialHidden,
              initialCell,
              lengths,
              reverse,
            } as LstmSequenceInputs;
            const { outputs, finalHidden, finalCell } = compute(given, policy);
            return tf.concat([outputs.flatten(), finalHidden.flatten(), finalCell.flatten()]);
          };
          const { grads, value } = tf.valueAndGrads((...inputs: Tensor[]) =>
            tf.sum(tf.mul(flat(...inputs), of([3 * 4 * 8 + 2 * 3 * 8], 0.7))),
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
