import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../../runtime/tf.js';
import { buildCell, type CellType, type RecurrentCell } from '../cells/cell.js';
import { totalCost, type Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import type { LayerState } from '../model.js';
import type { ParameterSpec, Parameters } from '../parameters.js';

/** Settings of the layers of a recurrent decoder. */
export interface RecurrentStackSettings {
  readonly type: CellType;
  readonly layers: number;
  readonly hiddenSize: number;
  /** First layer, from 1, whose input is added to its output; undefined without residual connections. */
  readonly residualFrom?: number | undefined;
  readonly dropout: number;
}

/** Dropout on the input of each layer in a loop over time. */
export type LayerDropout = (input: Tensor2D, layer: number) => Tensor2D;

/**
 * Stacked recurrent layers in one direction. The input of a layer is the output of the layer below after dropout, and
 * may have further columns, such as a context. Residual connections (He et al. 2016; Wu et al. 2016, section 3.1) add
 * the output of the layer below to that of the layer, without dropout and without the further columns.
 *
 * Parameters: `decoder.layers.N.*`.
 */
export class RecurrentStack {
  private readonly cells: readonly RecurrentCell[];

  /** @param inputSize width of the input of a layer, further columns included */
  constructor(
    parameters: () => Parameters,
    private readonly settings: RecurrentStackSettings,
    inputSize: (layer: number) => number,
  ) {
    const { type, layers, hiddenSize } = settings;
    this.cells = Array.from({ length: layers }, (_, index) =>
      buildCell(type, { parameters, name: `decoder.layers.${index}`, inputSize: inputSize(index), hiddenSize }),
    );
  }

  /** Names of the parts of the state of a layer. */
  get parts(): readonly string[] {
    return this.cells[0]!.parts;
  }

  specs(): ParameterSpec[] {
    return this.cells.flatMap((cell) => cell.specs());
  }

  /** The parts of one layer's state, from the list of the parts of all layers. */
  layerState(state: readonly Tensor[], layer: number): LayerState {
    const { length } = this.parts;
    return state.slice(length * layer, length * (layer + 1)) as Tensor2D[];
  }

  /**
   * Runs all layers from `first` on over whole sentences.
   *
   * @param inputs `[batch, time, size]`: input of the first of them
   * @param state parts of the states of all layers before the first step
   * @param columns further columns of the input of a layer
   */
  sequence(
    inputs: Tensor3D,
    lengths: Tensor1D,
    state: readonly Tensor[],
    pass: ForwardPass,
    { first = 0, columns }: { readonly first?: number; readonly columns?: Tensor3D | undefined } = {},
  ): Tensor3D {
    let below = inputs;
    for (const [index, cell] of this.cells.entries()) {
      if (index < first) continue;
      const dropped = index > 0 ? pass.sequenceDropout(below, this.settings.dropout) : below;
      const joined = columns === undefined ? dropped : tf.concat([dropped, columns], 2);
      const options = { initial: this.layerState(state, index), reverse: false };
      below = this.residual(below, cell.sequence(joined, lengths, options, pass).outputs, index);
    }
    return below;
  }

  /**
   * One step of one layer.
   *
   * @param below `[rows, size]`: output of the layer below
   * @param columns further columns of the input
   * @returns the output, and the state after the step
   */
  step(
    layer: number,
    below: Tensor2D,
    state: readonly Tensor[],
    pass: ForwardPass,
    { drop, columns }: { readonly drop: LayerDropout; readonly columns?: Tensor2D | undefined },
  ): { output: Tensor2D; state: LayerState } {
    const dropped = layer > 0 ? drop(below, layer) : below;
    const joined = columns === undefined ? dropped : tf.concat([dropped, columns], 1);
    const next = this.cells[layer]!.step(joined, this.layerState(state, layer), pass);
    return { output: this.residual(below, next[0]!, layer), state: next };
  }

  /** Dropout for the steps of one loop over time. */
  layerDropout(rows: number, pass: ForwardPass): LayerDropout {
    const { layers, hiddenSize, dropout } = this.settings;
    const ofLayers = Array.from({ length: layers - 1 }, () => pass.stepDropout([rows, hiddenSize], dropout));
    return (input, layer) => ofLayers[layer - 1]!(input);
  }

  cost(sentences: number, targetTime: number): Cost {
    const { layers, hiddenSize, dropout, residualFrom = layers + 1 } = this.settings;
    const dropped = dropout > 0 ? 2 * hiddenSize * (layers - 1) : 0;
    // The sum of output and input, and the sum of their gradients.
    const residual = 2 * hiddenSize * Math.max(0, layers + 1 - residualFrom);
    return totalCost([
      ...this.cells.map((cell) => cell.cost({ rows: sentences, time: targetTime })),
      { products: [], values: sentences * targetTime * (dropped + residual) },
    ]);
  }

  private residual<Outputs extends Tensor>(below: Outputs, output: Outputs, layer: number): Outputs {
    const { residualFrom = Infinity } = this.settings;
    return layer + 1 >= residualFrom ? tf.add(output, below) : output;
  }
}
