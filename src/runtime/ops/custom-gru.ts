import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';
import { withGradients } from './gradient.js';
import type { GruSequenceInputs, GruSequenceOutputs } from './gru.js';
import { inPrecision, padRowsInPrecision, productOf } from './product.js';
import { sequenceGradients } from './sequence-gradients.js';

/**
 * `gruSequence` with the custom ops S2sGru and S2sGruGrad (src/runtime/native/gru_op.cc and gru_grad_op.cc), which run
 * the loop over time in C++. The input projection and the gradients of the kernels are single large products outside
 * that loop.
 */
export function customGruSequence(args: GruSequenceInputs, policy: ComputePolicy): GruSequenceOutputs {
  const { inputs, inputKernel, bias, recurrentKernel, recurrentBias, initialHidden, lengths, reverse = false } = args;
  const { precision } = policy;
  const attributes = [attribute.type('T', precision), attribute.bool('reverse', reverse)];
  const [batch, time, inputSize] = inputs.shape;
  const rows = batch * time;
  const [outputs, finalHidden] = withGradients(
    [inputs, inputKernel, bias, recurrentKernel, recurrentBias, initialHidden],
    (save) => {
      const flat = padRowsInPrecision(tf.reshape(inputs, [rows, inputSize]), policy);
      const kernel = inPrecision(inputKernel, precision);
      const [all, hidden, gates] = execute(
        'S2sGru',
        [...attributes, attribute.int('time', time)],
        [productOf(flat, kernel, policy), bias, recurrentKernel, recurrentBias, initialHidden, lengths],
        3,
      );
      save([flat, kernel, recurrentKernel, initialHidden, lengths, all!, gates!]);
      return [all!, hidden!];
    },
    (gradients, [flat, kernel, ...saved]) => {
      const [dProjected, dBias, dRecurrent, dRecurrentBias, dInitial, previousHidden] = execute(
        'S2sGruGrad',
        [...attributes, attribute.int('rows', flat!.shape[0]!)],
        [...saved, ...gradients],
        6,
      ) as [Tensor2D, Tensor1D, Tensor2D, Tensor1D, Tensor2D, Tensor2D];
      const factors = { inputs: flat as Tensor2D, inputKernel: kernel as Tensor2D, previousHidden };
      const { dInputs, dInputKernel, dRecurrentKernel } = sequenceGradients(
        { ...factors, dProjected, dRecurrent },
        inputs.shape,
        policy,
      );
      return [dInputs, dInputKernel, dBias, dRecurrentKernel, dRecurrentBias, dInitial];
    },
  );
  return { outputs: outputs as Tensor3D, finalHidden: finalHidden as Tensor2D };
}

/**
 * `gruCell` with the custom ops S2sGruCell and S2sGruCellGrad (src/runtime/native/gru_cell_op.cc).
 *
 * @param projected `[rows, 3 * hidden]`: `x W + b`
 * @param recurrent `[rows, 3 * hidden]`: `h R + c`
 * @param hidden `[rows, hidden]`
 */
export function customGruCell(projected: Tensor2D, recurrent: Tensor2D, hidden: Tensor2D): Tensor2D {
  const [next] = withGradients(
    [projected, recurrent, hidden],
    (save) => {
      const [after, gates] = execute('S2sGruCell', [], [projected, recurrent, hidden], 2);
      save([hidden, gates!]);
      return [after!];
    },
    (gradients, saved) => execute('S2sGruCellGrad', [], [...saved, ...gradients], 3),
  );
  return next as Tensor2D;
}
