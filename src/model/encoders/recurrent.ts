import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../../runtime/tf.js';
import { buildCell, type CellType, type RecurrentCell } from '../cells/cell.js';
import type { BatchShape } from '../../data/batch.js';
import { totalCost, type Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import type { EncodedSource, Encoder, LayerState, StateShape } from '../model.js';
import type { ParameterSpec, Parameters } from '../parameters.js';

/** Settings of a recurrent encoder. */
export interface RecurrentEncoderSettings {
  readonly type: CellType;
  readonly layers: number;
  readonly hiddenSize: number;
  /** Whether each layer reads in both directions; with `first`, only the first one does. */
  readonly bidirectional: boolean | 'first';
  /** First layer, from 1, whose input is added to its output; undefined without residual connections. */
  readonly residualFrom?: number | undefined;
  readonly dropout: number;
}

/**
 * Stacked recurrent layers. A bidirectional layer has `hiddenSize / 2` units in each direction and concatenates both
 * (Schuster and Paliwal 1997). Residual connections add the input of a layer, without dropout, to its output (He et al.
 * 2016; Wu et al. 2016, section 3.1).
 *
 * Parameters: `encoder.layers.N.forward.*` and `encoder.layers.N.backward.*`.
 */
export class RecurrentEncoder implements Encoder {
  readonly outputSize: number;
  readonly finalState: StateShape;
  private readonly embeddingSize: number;
  private readonly layers: readonly { forward: RecurrentCell; backward: RecurrentCell | undefined }[];

  constructor(
    parameters: () => Parameters,
    private readonly settings: RecurrentEncoderSettings,
    { embeddingSize }: { readonly embeddingSize: number },
  ) {
    const { type, layers, hiddenSize, bidirectional } = settings;
    this.layers = Array.from({ length: layers }, (_, index) => {
      const both = bidirectional === true || (bidirectional === 'first' && index === 0);
      const inputSize = index === 0 ? embeddingSize : hiddenSize;
      const cell = (direction: string): RecurrentCell =>
        buildCell(type, {
          parameters,
          name: `encoder.layers.${index}.${direction}`,
          inputSize,
          hiddenSize: both ? hiddenSize / 2 : hiddenSize,
        });
      return { forward: cell('forward'), backward: both ? cell('backward') : undefined };
    });
    this.outputSize = hiddenSize;
    this.embeddingSize = embeddingSize;
    this.finalState = { layers, parts: this.layers[0]!.forward.parts, size: hiddenSize };
  }

  specs(): ParameterSpec[] {
    return this.layers.flatMap(({ forward, backward }) => [...forward.specs(), ...(backward?.specs() ?? [])]);
  }

  /**
   * The final state of a bidirectional layer is the forward state after the last token, concatenated with the backward
   * state after the first.
   */
  encode(embedded: Tensor3D, lengths: Tensor1D, mask: Tensor2D, pass: ForwardPass): EncodedSource {
    const { dropout, residualFrom = Infinity } = this.settings;
    let below = embedded;
    const finalState: LayerState[] = [];
    for (const [index, { forward, backward }] of this.layers.entries()) {
      const inputs = index > 0 ? pass.sequenceDropout(below, dropout) : below;
      const ahead = forward.sequence(inputs, lengths, { initial: undefined, reverse: false }, pass);
      let { outputs } = ahead;
      if (backward === undefined) {
        finalState.push(ahead.final);
      } else {
        const back = backward.sequence(inputs, lengths, { initial: undefined, reverse: true }, pass);
        outputs = tf.concat([ahead.outputs, back.outputs], 2);
        finalState.push(ahead.final.map((part, which) => tf.concat([part, back.final[which]!], 1)));
      }
      // Outputs are zero at padding, and those of an encoder must be.
      const added = (): Tensor3D => tf.add(outputs, index > 0 ? below : tf.mul(below, tf.expandDims(mask, 2)));
      below = index + 1 >= residualFrom ? added() : outputs;
    }
    return { outputs: below, mask, finalState };
  }

  cost({ sentences, sourceTime }: BatchShape): Cost {
    const { layers, dropout, residualFrom = layers + 1 } = this.settings;
    const { outputSize: size, embeddingSize } = this;
    const shape = { rows: sentences, time: sourceTime };
    const cells = this.layers.flatMap(({ forward, backward }) => [
      forward,
      ...(backward === undefined ? [] : [backward]),
    ]);
    // Both directions: their outputs concatenated and split, and the sum of the gradients of their inputs.
    const concatenated = this.layers.reduce(
      (sum, { backward }, index) =>
        backward === undefined ? sum : sum + 2 * size + (index === 0 ? embeddingSize : size),
      0,
    );
    const dropped = dropout > 0 ? 2 * size * (layers - 1) : 0;
    // The sum of output and input, and the sum of their gradients.
    const residual = 2 * size * Math.max(0, layers + 1 - residualFrom);
    const values = sentences * sourceTime * (concatenated + dropped + residual);
    return totalCost([...cells.map((cell) => cell.cost(shape)), { products: [], values }]);
  }
}
