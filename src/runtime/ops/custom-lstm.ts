import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tensorflow.js';
import { attribute, execute } from './execute.js';
import { opForm } from './form.js';
import { withGradients } from './gradient.js';
import type { LstmSequenceInputs, LstmSequenceOutputs } from './lstm.js';
import { inFloat32, inPrecision, productOf } from './product.js';

/**
 * `lstmSequence` by the custom ops S2sLstm and S2sLstmGrad (src/runtime/native/lstm_op.cc), which keep the loop over time
 * in C++; the gradient of the recurrent kernel is one large product after it.
 */
export function customLstmSequence({ projected, recurrentKernel, initialHidden, initialCell, lengths, reverse = false }: LstmSequenceInputs): LstmSequenceOutputs {
  const { precision } = opForm();
  const attributes = [attribute.bool('reverse', reverse), attribute.bool('low_precision', precision !== 'float32')];
  const [batch, time, gateSize] = projected.shape;
  const hiddenSize = gateSize / 4;
  const [outputs, finalHidden, finalCell] = withGradients(
    [projected, recurrentKernel, initialHidden, initialCell],
    (save) => {
      const [all, hidden, cell, gates, cells] = execute('S2sLstm', attributes, [projected, recurrentKernel, initialHidden, initialCell, lengths], 5);
      save([recurrentKernel, initialHidden, initialCell, lengths, all!, gates!, cells!]);
      return [all!, hidden!, cell!];
    },
    (gradients, saved) => {
      const [ofProjected, ofHidden, ofCell, previousHidden] = execute('S2sLstmGrad', attributes, [...saved, ...gradients], 4);
      const states = inPrecision(tf.reshape(previousHidden!, [batch * time, hiddenSize]) as Tensor2D, precision);
      const sums = inPrecision(tf.reshape(ofProjected!, [batch * time, gateSize]) as Tensor2D, precision);
      const ofKernel = inFloat32(productOf(states, sums, precision, { a: true }), precision);
      return [ofProjected!, ofKernel, ofHidden!, ofCell!];
    },
  );
  return { outputs: outputs as Tensor3D, finalHidden: finalHidden as Tensor2D, finalCell: finalCell as Tensor2D };
}

/**
 * The pointwise part of `lstmStep` by the custom ops S2sLstmCell and S2sLstmCellGrad (src/runtime/native/lstm_cell_op.cc).
 *
 * @param projected `[rows, 4 * hidden]`
 * @param recurrent `[rows, 4 * hidden]`: the hidden state times the recurrent kernel
 * @param cell `[rows, hidden]`
 */
export function customLstmCell(projected: Tensor2D, recurrent: Tensor2D, cell: Tensor2D): { hidden: Tensor2D; cell: Tensor2D } {
  const [hidden, nextCell] = withGradients(
    [projected, recurrent, cell],
    (save) => {
      const [next, after, gates] = execute('S2sLstmCell', [], [projected, recurrent, cell], 3);
      save([cell, after!, gates!]);
      return [next!, after!];
    },
    (gradients, saved) => {
      const [ofSums, ofCell] = execute('S2sLstmCellGrad', [], [...saved, ...gradients], 2);
      return [ofSums!, ofSums!.clone(), ofCell!];
    },
  );
  return { hidden: hidden as Tensor2D, cell: nextCell as Tensor2D };
}
