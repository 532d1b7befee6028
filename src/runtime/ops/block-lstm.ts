import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';
import { withGradients } from './gradient.js';
import type { LstmSequenceInputs, LstmSequenceOutputs } from './lstm.js';
import { cast } from './product.js';
import { batchFirst, realSteps, timeFirst } from './time-major.js';

/**
 * `lstmSequence` by TensorFlow's BlockLSTMV2 and BlockLSTMGradV2 (tensorflow/core/ops/rnn_ops.cc), which have kernels for
 * GPUs. They know no lengths: padded steps are computed too, and neither their outputs nor their gradients are used. Rows
 * that are read backwards are turned around first, each within its length.
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
      const given = [
        timeFirst(inputs, lengths, reverse),
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
      const results = execute('BlockLSTMV2', attributes, [steps, ...given], 7);
      save([steps, lengths, ...given, ...results]);
      const [, cells, , , , , hidden] = results as Tensor3D[];
      return [batchFirst(hidden!, lengths, reverse), lastOf(hidden!, lengths), lastOf(cells!, lengths)];
    },
    ([ofOutputs, ofFinalHidden, ofFinalCell], [steps, savedLengths, ...saved]) => {
      const ends = savedLengths as Tensor1D;
      const ofCells = atLast(ofFinalCell as Tensor2D, ends, time);
      const ofHidden = tf.add(
        timeFirst(tf.mul(ofOutputs as Tensor3D, tf.expandDims(realSteps(ends, time), 2)), ends, reverse),
        atLast(ofFinalHidden as Tensor2D, ends, time),
      );
      const gradients = execute(
        'BlockLSTMGradV2',
        [attribute.type('T', 'float32'), attribute.bool('use_peephole', false)],
        [steps!, ...saved, ofCells, ofHidden],
        8,
      );
      const [ofInputs, ofInitialCell, ofInitialHidden, ofKernel, , , , ofBias] = gradients as [
        Tensor3D,
        Tensor2D,
        Tensor2D,
        Tensor2D,
        Tensor,
        Tensor,
        Tensor,
        Tensor1D,
      ];
      const [ofInputKernel, ofRecurrentKernel] = tf.split(ofKernel, [inputSize, hiddenSize], 0) as [Tensor2D, Tensor2D];
      return [
        batchFirst(ofInputs, ends, reverse),
        ofInputKernel,
        ofBias,
        ofRecurrentKernel,
        ofInitialHidden,
        ofInitialCell,
      ];
    },
  );
  return {
    outputs: tf.mul(outputs as Tensor3D, tf.expandDims(realSteps(lengths, time), 2)),
    finalHidden: finalHidden as Tensor2D,
    finalCell: finalCell as Tensor2D,
  };
}

/** Of `[time, batch, size]` the last real step of each row, `[batch, size]`. */
function lastOf(tensor: Tensor3D, lengths: Tensor1D): Tensor2D {
  return tf.gatherND(tensor, lastPositions(lengths)) as Tensor2D;
}

/** `[batch, size]` put at the last real step of each row of `[time, batch, size]`, which is zero elsewhere. */
function atLast(tensor: Tensor2D, lengths: Tensor1D, time: number): Tensor3D {
  return tf.scatterND(lastPositions(lengths), tensor, [time, ...tensor.shape]);
}

/** int32 `[batch, 2]`: step and row. */
function lastPositions(lengths: Tensor1D): Tensor2D {
  return tf.stack([tf.sub(lengths, tf.scalar(1, 'int32')), tf.range(0, lengths.shape[0], 1, 'int32')], 1) as Tensor2D;
}
