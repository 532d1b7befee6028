import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';
import { withGradients } from './gradient.js';
import type { LstmSequenceInputs, LstmSequenceOutputs } from './lstm.js';
import { inPrecision, padRowsInPrecision, productOf } from './product.js';
import { sequenceGradients } from './sequence-gradients.js';

/**
 * `lstmSequence` with the custom ops S2sLstm and S2sLstmGrad (src/runtime/native/lstm_op.cc and lstm_grad_op.cc),
 * which run the loop over time in C++. The input projection and the gradients of the kernels are single large products
 * outside that loop.
 */
export function customLstmSequence(args: LstmSequenceInputs, policy: ComputePolicy): LstmSequenceOutputs {
  const { inputs, inputKernel, bias, recurrentKernel, initialHidden, initialCell, lengths, reverse = false } = args;
  const { precision } = policy;
  const attributes = [attribute.type('T', precision), attribute.bool('reverse', reverse)];
  const [batch, time, inputSize] = inputs.shape;
  const rows = batch * time;
  const [outputs, finalHidden, finalCell] = withGradients(
    [inputs, inputKernel, bias, recurrentKernel, initialHidden, initialCell],
    (save) => {
      const flat = padRowsInPrecision(tf.reshape(inputs, [rows, inputSize]), policy);
      const kernel = inPrecision(inputKernel, precision);
      const states = [initialHidden, initialCell, lengths];
      const [all, hidden, cell, gates, cells] = execute(
        'S2sLstm',
        [...attributes, attribute.int('time', time)],
        [productOf(flat, kernel, policy), bias, recurrentKernel, ...states],
        5,
      );
      save([flat, kernel, recurrentKernel, ...states, all!, gates!, cells!]);
      return [all!, hidden!, cell!];
    },
    (gradients, [flat, kernel, ...saved]) => {
      const [dSums, dBias, dHidden, dCell, previousHidden] = execute(
        'S2sLstmGrad',
        [...attributes, attribute.int('rows', flat!.shape[0]!)],
        [...saved, ...gradients],
        5,
      ) as [Tensor2D, Tensor1D, Tensor2D, Tensor2D, Tensor2D];
      const factors = { inputs: flat as Tensor2D, inputKernel: kernel as Tensor2D, previousHidden };
      const { dInputs, dInputKernel, dRecurrentKernel } = sequenceGradients(
        { ...factors, dProjected: dSums, dRecurrent: dSums },
        inputs.shape,
        policy,
      );
      return [dInputs, dInputKernel, dBias, dRecurrentKernel, dHidden, dCell];
    },
  );
  return { outputs: outputs as Tensor3D, finalHidden: finalHidden as Tensor2D, finalCell: finalCell as Tensor2D };
}

/**
 * `lstmCell` with the custom ops S2sLstmCell and S2sLstmCellGrad (src/runtime/native/lstm_cell_op.cc).
 *
 * @param projected `[rows, 4 * hidden]`
 * @param recurrent `[rows, 4 * hidden]`: the hidden state times the recurrent kernel
 * @param cell `[rows, hidden]`
 */
export function customLstmCell(
  projected: Tensor2D,
  recurrent: Tensor2D,
  cell: Tensor2D,
): { hidden: Tensor2D; cell: Tensor2D } {
  const [hidden, nextCell] = withGradients(
    [projected, recurrent, cell],
    (save) => {
      const [next, after, gates] = execute('S2sLstmCell', [], [projected, recurrent, cell], 3);
      save([cell, after!, gates!]);
      return [next!, after!];
    },
    (gradients, saved) => {
      const [dSums, dCell] = execute('S2sLstmCellGrad', [], [...saved, ...gradients], 2);
      return [dSums!, dSums!.clone(), dCell!];
    },
  );
  return { hidden: hidden as Tensor2D, cell: nextCell as Tensor2D };
}
