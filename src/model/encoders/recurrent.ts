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
  readonly bidirectional: boolean;
  readonly dropout: number;
}

/**
 * Stacked recurrent layers. A bidirectional layer has `hiddenSize / 2` units in each direction and concatenates both
 * (Schuster and Paliwal 1997).
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
    const directionSize = bidirectional ? hiddenSize / 2 : hiddenSize;
    this.layers = Array.from({ length: layers }, (_, index) => {
      const inputSize = index === 0 ? embeddingSize : hiddenSize;
      const cell = (direction: string): RecurrentCell =>
        buildCell(type, {
          parameters,
          name: `encoder.layers.${index}.${direction}`,
          inputSize,
          hiddenSize: directionSize,
        });
      return { forward: cell('forward'), backward: bidirectional ? cell('backward') : undefined };
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
    let inputs = embedded;
    const finalState: LayerState[] = [];
    for (const [index, { forward, backward }] of this.layers.entries()) {
      if (index > 0) inputs = pass.dropout(inputs, this.settings.dropout);
      const ahead = forward.sequence(inputs, lengths, { initial: undefined, reverse: false }, pass);
      if (backward === undefined) {
        inputs = ahead.outputs;
        finalState.push(ahead.final);
        continue;
      }
      const back = backward.sequence(inputs, lengths, { initial: undefined, reverse: true }, pass);
      inputs = tf.concat([ahead.outputs, back.outputs], 2);
      finalState.push(ahead.final.map((part, which) => tf.concat([part, back.final[which]!], 1)));
    }
    return { outputs: inputs, mask, finalState };
  }

  cost({ sentences, sourceTime }: BatchShape): Cost {
    const { layers, bidirectional, dropout } = this.settings;
    const { outputSize: size, embeddingSize } = this;
    const shape = { rows: sentences, time: sourceTime };
    const cells = this.layers.flatMap(({ forward, backward }) => [
      forward,
      ...(backward === undefined ? [] : [backward]),
    ]);
    // Both directions: their outputs concatenated and split, and the sum of the gradients of their inputs.
    const concatenated = bidirectional ? 2 * size * layers + embeddingSize + (layers - 1) * size : 0;
    const dropped = dropout > 0 ? 2 * size * (layers - 1) : 0;
    const values = sentences * sourceTime * (concatenated + dropped);
    return totalCost([...cells.map((cell) => cell.cost(shape)), { products: [], values }]);
  }
}
