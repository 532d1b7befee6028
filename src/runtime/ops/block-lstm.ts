import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';
import { withGradients } from './gradient.js';
import type { LstmSequenceInputs, LstmSequenceOutputs } from './lstm.js';
import { cast } from './product.js';
import { toBatchMajor, sequenceMask, toTimeMajor } from './time-major.js';

/**
 * `lstmSequence` with TensorFlow's BlockLSTMV2 and BlockLSTMGradV2 (tensorflow/core/ops/rnn_ops.cc), which have GPU
 * kernels. They take no lengths: padded steps are computed too, and their outputs and gradients are masked. With
 * `reverse`, each row is reversed within its length first.
 */
export function blockLstmSequence({
  inputs,
  inputKernel,
  bias,
  recurrentKernel,
  initialHidden,
  initialCell,
  lengths,
  reverse = false,
}: LstmSequenceInputs): LstmSequenceOutputs {
  const [, time, inputSize] = inputs.shape;
  const hiddenSize = recurrentKernel.shape[0];
  const [outputs, finalHidden, finalCell] = withGradients(
    [inputs, inputKernel, bias, recurrentKernel, initialHidden, initialCell],
    (save) => {
      const steps = cast(tf.scalar(time, 'int32'), 'int32', 'int64');
      const peepholes = tf.zeros([hiddenSize]);
      const opInputs = [
        toTimeMajor(inputs, lengths, reverse),
        initialCell,
        initialHidden,
        tf.concat([inputKernel, recurrentKernel], 0),
        peepholes,
        peepholes,
        peepholes,
        bias,
      ];
      const attributes = [
        attribute.type('T', 'float32'),
        attribute.float('cell_clip', 0),
        attribute.bool('use_peephole', false),
      ];
      const results = execute('BlockLSTMV2', attributes, [steps, ...opInputs], 7);
      save([steps, lengths, ...opInputs, ...results]);
      const [, cells, , , , , hidden] = results as Tensor3D[];
      return [toBatchMajor(hidden!, lengths, reverse), lastOf(hidden!, lengths), lastOf(cells!, lengths)];
    },
    ([dOutputs, dFinalHidden, dFinalCell], [steps, savedLengths, ...saved]) => {
      const ends = savedLengths as Tensor1D;
      const dCells = atLast(dFinalCell as Tensor2D, ends, time);
      const dHidden = tf.add(
        toTimeMajor(tf.mul(dOutputs as Tensor3D, tf.expandDims(sequenceMask(ends, time), 2)), ends, reverse),
        atLast(dFinalHidden as Tensor2D, ends, time),
      );
      const gradients = execute(
        'BlockLSTMGradV2',
        [attribute.type('T', 'float32'), attribute.bool('use_peephole', false)],
        [steps!, ...saved, dCells, dHidden],
        8,
      );
      const [dInputs, dInitialCell, dInitialHidden, dKernel, , , , dBias] = gradients as [
        Tensor3D,
        Tensor2D,
        Tensor2D,
        Tensor2D,
        Tensor,
        Tensor,
        Tensor,
        Tensor1D,
      ];
      const [dInputKernel, dRecurrentKernel] = tf.split(dKernel, [inputSize, hiddenSize], 0) as [Tensor2D, Tensor2D];
      return [
        toBatchMajor(dInputs, ends, reverse),
        dInputKernel,
        dBias,
        dRecurrentKernel,
        dInitialHidden,
        dInitialCell,
      ];
    },
  );
  return {
    outputs: tf.mul(outputs as Tensor3D, tf.expandDims(sequenceMask(lengths, time), 2)),
    finalHidden: finalHidden as Tensor2D,
    finalCell: finalCell as Tensor2D,
  };
}

/** The last real step of each row: `[time, batch, size]` to `[batch, size]`. */
function lastOf(tensor: Tensor3D, lengths: Tensor1D): Tensor2D {
  return tf.gatherND(tensor, lastPositions(lengths)) as Tensor2D;
}

/**
 * The gradient of `lastOf`: `[batch, size]` to `[time, batch, size]`, zero except at the last real step of each row.
 */
function atLast(tensor: Tensor2D, lengths: Tensor1D, time: number): Tensor3D {
  return tf.scatterND(lastPositions(lengths), tensor, [time, ...tensor.shape]);
}

/** int32 `[batch, 2]`: step and row of each last real step. */
function lastPositions(lengths: Tensor1D): Tensor2D {
  return tf.stack([tf.sub(lengths, tf.scalar(1, 'int32')), tf.range(0, lengths.shape[0], 1, 'int32')], 1) as Tensor2D;
}
