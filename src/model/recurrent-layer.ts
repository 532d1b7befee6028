import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { lstmCell, lstmSequence } from '../runtime/ops/lstm.js';
import { tf } from '../runtime/tensorflow.js';
import { forgetGateBias, glorot, type ParameterSpec, type Parameters, type Product } from './parameters.js';

/** State of an LSTM layer, each `[rows, hidden]`. */
export interface LstmState {
  readonly hidden: Tensor2D;
  readonly cell: Tensor2D;
}

/** One LSTM layer in one direction (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000). */
export class LstmLayer {
  /** @param name prefix of its parameters: `inputKernel`, `recurrentKernel`, `bias`, gates in the order i, f, g, o */
  constructor(
    private readonly parameters: () => Parameters,
    private readonly name: string,
    private readonly inputSize: number,
    readonly hiddenSize: number,
  ) {}

  specs(): ParameterSpec[] {
    const { name, inputSize, hiddenSize } = this;
    return [
      { name: `${name}.inputKernel`, shape: [inputSize, 4 * hiddenSize], start: glorot(inputSize, hiddenSize) },
      { name: `${name}.recurrentKernel`, shape: [hiddenSize, 4 * hiddenSize], start: glorot(hiddenSize, hiddenSize) },
      { name: `${name}.bias`, shape: [4 * hiddenSize], start: forgetGateBias(hiddenSize) },
    ];
  }

  /**
   * Runs over whole sentences. Beyond a sentence's length the state stays and the output is zero.
   *
   * @param inputs `[batch, time, input]`
   * @param lengths int32 `[batch]`
   * @returns outputs `[batch, time, hidden]` and the state after each sentence's last step
   */
  sequence(inputs: Tensor3D, lengths: Tensor1D, initial: LstmState | undefined, reverse: boolean): { outputs: Tensor3D; final: LstmState } {
    const start = initial ?? this.zeroState(inputs.shape[0]);
    const parameters = this.parameters();
    const { outputs, finalHidden, finalCell } = lstmSequence({
      inputs,
      inputKernel: parameters.get<Tensor2D>(`${this.name}.inputKernel`),
      bias: parameters.get<Tensor1D>(`${this.name}.bias`),
      recurrentKernel: parameters.get<Tensor2D>(`${this.name}.recurrentKernel`),
      initialHidden: start.hidden,
      initialCell: start.cell,
      lengths,
      reverse,
    });
    return { outputs, final: { hidden: finalHidden, cell: finalCell } };
  }

  /** One step: `[rows, input]` and the state before it to the state after it. */
  step(input: Tensor2D, state: LstmState, multiply: Product): LstmState {
    const projected = multiply(input, `${this.name}.inputKernel`, { bias: `${this.name}.bias` });
    return lstmCell(projected, multiply(state.hidden, `${this.name}.recurrentKernel`), state.cell);
  }

  private zeroState(rows: number): LstmState {
    return { hidden: tf.zeros([rows, this.hiddenSize]), cell: tf.zeros([rows, this.hiddenSize]) };
  }
}
