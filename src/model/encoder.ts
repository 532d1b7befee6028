import type { Tensor1D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ModelConfig } from '../config/schema.js';
import { dropout, type DropoutSeeds } from '../runtime/ops/dropout.js';
import { tf } from '../runtime/tensorflow.js';
import type { ParameterSpec, Parameters } from './parameters.js';
import { LstmLayer, type LstmState } from './recurrent-layer.js';

/** Layers of LSTMs over the embedded source, each reading the one below; bidirectional ones join both directions. */
export class Encoder {
  private readonly layers: readonly { forward: LstmLayer; backward: LstmLayer | undefined }[];

  constructor(
    parameters: () => Parameters,
    private readonly config: ModelConfig,
  ) {
    const { layers, hiddenSize, bidirectional } = config.encoder;
    const directionSize = bidirectional ? hiddenSize / 2 : hiddenSize;
    this.layers = Array.from({ length: layers }, (_, index) => {
      const inputSize = index === 0 ? config.embeddingSize : hiddenSize;
      const layer = (direction: string): LstmLayer => new LstmLayer(parameters, `encoder.layers.${index}.${direction}`, inputSize, directionSize);
      return { forward: layer('forward'), backward: bidirectional ? layer('backward') : undefined };
    });
  }

  specs(): ParameterSpec[] {
    return this.layers.flatMap(({ forward, backward }) => [...forward.specs(), ...(backward?.specs() ?? [])]);
  }

  /**
   * @param embedded `[batch, srcTime, embedding]`
   * @param lengths int32 `[batch]`
   * @returns outputs of the last layer `[batch, srcTime, hidden]`, zero at padding, and each layer's final state
   *   `[batch, hidden]`: that after the last token forwards, joined with that after the first token backwards
   */
  run(embedded: Tensor3D, lengths: Tensor1D, seeds: DropoutSeeds | undefined): { outputs: Tensor3D; finalStates: LstmState[] } {
    let inputs = embedded;
    const finalStates: LstmState[] = [];
    for (const [index, { forward, backward }] of this.layers.entries()) {
      if (index > 0) inputs = dropout(inputs, this.config.dropout.layers, seeds);
      const ahead = forward.sequence(inputs, lengths, undefined, false);
      if (backward === undefined) {
        inputs = ahead.outputs;
        finalStates.push(ahead.final);
        continue;
      }
      const back = backward.sequence(inputs, lengths, undefined, true);
      inputs = tf.concat([ahead.outputs, back.outputs], 2);
      finalStates.push({
        hidden: tf.concat([ahead.final.hidden, back.final.hidden], 1),
        cell: tf.concat([ahead.final.cell, back.final.cell], 1),
      });
    }
    return { outputs: inputs, finalStates };
  }
}
