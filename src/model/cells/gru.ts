import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { gruCell, gruSequence } from '../../runtime/ops/gru.js';
import { tf } from '../../runtime/tf.js';
import type { Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import { glorot, zeros } from '../initializers.js';
import type { LayerState } from '../model.js';
import type { ParameterSpec } from '../parameters.js';
import type { CellOptions, RecurrentCell } from './cell.js';

/**
 * Gated recurrent unit (Cho et al. 2014) in the form of cuDNN and PyTorch: the reset gate is applied after the
 * recurrent product, which has a bias of its own.
 *
 * Parameters: `inputKernel [input, 3 * hidden]`, `bias [3 * hidden]`, `recurrentKernel [hidden, 3 * hidden]` and
 * `recurrentBias [3 * hidden]`, gates in the order reset, update, candidate.
 */
export class GruCell implements RecurrentCell {
  readonly parts = ['hidden'];

  constructor(private readonly options: CellOptions) {}

  specs(): ParameterSpec[] {
    const { name, inputSize, hiddenSize } = this.options;
    const gates = 3 * hiddenSize;
    return [
      { name: `${name}.inputKernel`, shape: [inputSize, gates], initializer: glorot(inputSize, hiddenSize) },
      { name: `${name}.recurrentKernel`, shape: [hiddenSize, gates], initializer: glorot(hiddenSize, hiddenSize) },
      { name: `${name}.bias`, shape: [gates], initializer: zeros() },
      { name: `${name}.recurrentBias`, shape: [gates], initializer: zeros() },
    ];
  }

  sequence(
    inputs: Tensor3D,
    lengths: Tensor1D,
    { initial, reverse }: { readonly initial: LayerState | undefined; readonly reverse: boolean },
    { policy }: ForwardPass,
  ): { outputs: Tensor3D; final: LayerState } {
    const { name, hiddenSize } = this.options;
    const parameters = this.options.parameters();
    const { outputs, finalHidden } = gruSequence(
      {
        inputs,
        inputKernel: parameters.get<Tensor2D>(`${name}.inputKernel`),
        bias: parameters.get<Tensor1D>(`${name}.bias`),
        recurrentKernel: parameters.get<Tensor2D>(`${name}.recurrentKernel`),
        recurrentBias: parameters.get<Tensor1D>(`${name}.recurrentBias`),
        initialHidden: initial?.[0] ?? tf.zeros([inputs.shape[0], hiddenSize]),
        lengths,
        reverse,
      },
      policy,
    );
    return { outputs, final: [finalHidden] };
  }

  step(input: Tensor2D, [hidden]: LayerState, { multiply, policy }: ForwardPass): LayerState {
    const { name } = this.options;
    const projected = multiply(input, `${name}.inputKernel`, { bias: `${name}.bias` });
    const recurrent = multiply(hidden!, `${name}.recurrentKernel`, { bias: `${name}.recurrentBias` });
    return [gruCell(projected, recurrent, hidden!, policy)];
  }

  cost({ rows, time }: { readonly rows: number; readonly time: number }): Cost {
    const { name, inputSize, hiddenSize } = this.options;
    const gates = 3 * hiddenSize;
    return {
      products: [
        { name: `${name}.input`, count: 1, rows: rows * time, inner: inputSize, columns: gates },
        { name: `${name}.recurrent`, count: time, rows, inner: hiddenSize, columns: gates },
      ],
      // With the custom ops: gates, both parts of the candidate and outputs; then the gradients of both products and of
      // the inputs, and the state before each step.
      values: rows * time * (inputSize + 12 * hiddenSize),
    };
  }
}
