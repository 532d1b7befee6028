import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { blockLstmSequence } from './block-lstm.js';
import { cudnnIsCorrect, cudnnLstmSequence } from './cudnn-lstm.js';
import { customLstmCell, customLstmSequence } from './custom-lstm.js';
import { matMul } from './matmul.js';
import { unstackTime } from './time-major.js';

/** Inputs of an LSTM layer over whole sequences. */
export interface LstmSequenceInputs {
  /** `[batch, time, input]` */
  readonly inputs: Tensor3D;
  /** `[input, 4 * hidden]`, gates in the order i, f, g, o. */
  readonly inputKernel: Tensor2D;
  /** `[4 * hidden]` */
  readonly bias: Tensor1D;
  /** `[hidden, 4 * hidden]` */
  readonly recurrentKernel: Tensor2D;
  /** `[batch, hidden]` */
  readonly initialHidden: Tensor2D;
  /** `[batch, hidden]` */
  readonly initialCell: Tensor2D;
  /** int32 `[batch]`: real steps of each row, from 1 to `time`. */
  readonly lengths: Tensor1D;
  /** Whether each row is processed from its last real step to its first. */
  readonly reverse?: boolean;
}

/** Outputs of an LSTM layer over whole sequences. */
export interface LstmSequenceOutputs {
  /** `[batch, time, hidden]`: the hidden state after each step, in the order of the inputs; zero at padding. */
  readonly outputs: Tensor3D;
  /** `[batch, hidden]`: hidden state after the last processed step of each row. */
  readonly finalHidden: Tensor2D;
  /** `[batch, hidden]`: cell state after the same step. */
  readonly finalCell: Tensor2D;
}

/**
 * An LSTM layer (Hochreiter and Schmidhuber 1997; forget gate of Gers et al. 2000) over whole sequences:
 * `[i f g o] = x_t W + b + h_{t-1} R`, `c_t = σ(f) c_{t-1} + σ(i) tanh(g)`, `h_t = σ(o) tanh(c_t)`.
 * Padded steps leave the state unchanged.
 */
export function lstmSequence(inputs: LstmSequenceInputs, policy: ComputePolicy): LstmSequenceOutputs {
  return SEQUENCES[sequenceKernel(policy)](inputs, policy);
}

const SEQUENCES = {
  custom: customLstmSequence,
  cudnn: (inputs: LstmSequenceInputs, policy: ComputePolicy) => cudnnLstmSequence(inputs, policy),
  block: (inputs: LstmSequenceInputs) => blockLstmSequence(inputs),
  plain: plainLstmSequence,
};

/**
 * The implementation of `lstmSequence`: custom ops on a CPU, cuDNN or else BlockLSTM on a GPU, or portable tfjs ops.
 */
export function sequenceKernel(policy: ComputePolicy): keyof typeof SEQUENCES {
  const { kernels } = policy;
  if (kernels !== 'fused') return kernels;
  return cudnnIsCorrect(plainLstmSequence, policy) ? 'cudnn' : 'block';
}

/** `lstmSequence` with portable tfjs ops, step by step. */
function plainLstmSequence(
  {
    inputs,
    inputKernel,
    bias,
    recurrentKernel,
    initialHidden,
    initialCell,
    lengths,
    reverse = false,
  }: LstmSequenceInputs,
  policy: ComputePolicy,
): LstmSequenceOutputs {
  const [batch, time, inputSize] = inputs.shape;
  // One product projects the inputs of all steps; only the recurrent product must be inside the loop.
  const flat = matMul(tf.reshape(inputs, [batch * time, inputSize]), inputKernel, policy, { bias });
  const projected = tf.reshape(flat, [batch, time, bias.shape[0]]) as Tensor3D;
  const steps = unstackTime(projected);
  const positions = tf.expandDims(tf.range(0, time, 1, 'int32'), 0);
  const masks = tf.split(tf.cast(tf.less(positions, tf.expandDims(lengths, 1)), 'float32'), time, 1) as Tensor2D[];
  let hidden = initialHidden;
  let cell = initialCell;
  const outputs = new Array<Tensor2D>(time);
  for (let count = 0; count < time; count++) {
    const index = reverse ? time - 1 - count : count;
    const mask = masks[index]!;
    const next = lstmCell(steps[index]!, matMul(hidden, recurrentKernel, policy), cell, policy);
    outputs[index] = tf.mul(next.hidden, mask);
    hidden = choose(mask, next.hidden, hidden);
    cell = choose(mask, next.cell, cell);
  }
  return { outputs: tf.stack(outputs, 1) as Tensor3D, finalHidden: hidden, finalCell: cell };
}

/**
 * The element-wise part of one LSTM step.
 *
 * @param projected `[rows, 4 * hidden]`: `x W + b`
 * @param recurrent `[rows, 4 * hidden]`: `h R`
 * @param cell `[rows, hidden]`
 */
export function lstmCell(
  projected: Tensor2D,
  recurrent: Tensor2D,
  cell: Tensor2D,
  policy: ComputePolicy,
): { hidden: Tensor2D; cell: Tensor2D } {
  if (policy.kernels === 'custom') return customLstmCell(projected, recurrent, cell);
  const [input, forget, candidate, output] = tf.split(tf.add(projected, recurrent), 4, 1) as [
    Tensor2D,
    Tensor2D,
    Tensor2D,
    Tensor2D,
  ];
  const nextCell = tf.add(tf.mul(tf.sigmoid(forget), cell), tf.mul(tf.sigmoid(input), tf.tanh(candidate))) as Tensor2D;
  return { hidden: tf.mul(tf.sigmoid(output), tf.tanh(nextCell)), cell: nextCell };
}

/** Selects `after` where the mask `[rows, 1]` is 1, `before` where it is 0. */
function choose(mask: Tensor2D, after: Tensor2D, before: Tensor2D): Tensor2D {
  return tf.add(tf.mul(after, mask), tf.mul(before, tf.sub(1, mask)));
}
