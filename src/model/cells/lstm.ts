import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { lstmCell, lstmSequence } from '../../runtime/ops/lstm.js';
import { tf } from '../../runtime/tf.js';
import type { Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import { forgetGateBias, glorot } from '../initializers.js';
import type { LayerState } from '../model.js';
import type { ParameterSpec } from '../parameters.js';
import type { CellOptions, RecurrentCell } from './cell.js';

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997) with the forget gate of Gers et al. (2000).
 *
 * Parameters: `inputKernel [input, 4 * hidden]`, `recurrentKernel [hidden, 4 * hidden]` and `bias [4 * hidden]`, gates
 * in the order input, forget, candidate, output.
 */
export class LstmCell implements RecurrentCell {
  readonly parts = ['hidden', 'cell'];

  constructor(private readonly options: CellOptions) {}

  specs(): ParameterSpec[] {
    const { name, inputSize, hiddenSize } = this.options;
    return [
      { name: `${name}.inputKernel`, shape: [inputSize, 4 * hiddenSize], initializer: glorot(inputSize, hiddenSize) },
      {
        name: `${name}.recurrentKernel`,
        shape: [hiddenSize, 4 * hiddenSize],
        initializer: glorot(hiddenSize, hiddenSize),
      },
      { name: `${name}.bias`, shape: [4 * hiddenSize], initializer: forgetGateBias(hiddenSize) },
    ];
  }

  sequence(
    inputs: Tensor3D,
    lengths: Tensor1D,
    { initial, reverse }: { readonly initial: LayerState | undefined; readonly reverse: boolean },
    { policy }: ForwardPass,
  ): { outputs: Tensor3D; final: LayerState } {
    const { name } = this.options;
    const parameters = this.options.parameters();
    const [initialHidden, initialCell] = initial ?? this.zeroState(inputs.shape[0]);
    const { outputs, finalHidden, finalCell } = lstmSequence(
      {
        inputs,
        inputKernel: parameters.get<Tensor2D>(`${name}.inputKernel`),
        bias: parameters.get<Tensor1D>(`${name}.bias`),
        recurrentKernel: parameters.get<Tensor2D>(`${name}.recurrentKernel`),
        initialHidden: initialHidden!,
        initialCell: initialCell!,
        lengths,
        reverse,
      },
      policy,
    );
    return { outputs, final: [finalHidden, finalCell] };
  }

  step(input: Tensor2D, [hidden, cell]: LayerState, { multiply, policy }: ForwardPass): LayerState {
    const { name } = this.options;
    const projected = multiply(input, `${name}.inputKernel`, { bias: `${name}.bias` });
    const next = lstmCell(projected, multiply(hidden!, `${name}.recurrentKernel`), cell!, policy);
    return [next.hidden, next.cell];
  }

  cost({ rows, time }: { readonly rows: number; readonly time: number }): Cost {
    const { name, inputSize, hiddenSize } = this.options;
    const gates = 4 * hiddenSize;
    return {
      products: [
        { name: `${name}.input`, count: 1, rows: rows * time, inner: inputSize, columns: gates },
        { name: `${name}.recurrent`, count: time, rows, inner: hiddenSize, columns: gates },
      ],
      // Gates, cells and outputs; then the gradients of gates and inputs, and the state before each step.
      values: rows * time * (inputSize + 11 * hiddenSize),
    };
  }

  private zeroState(rows: number): LayerState {
    const { hiddenSize } = this.options;
    return [tf.zeros([rows, hiddenSize]), tf.zeros([rows, hiddenSize])];
  }
}
