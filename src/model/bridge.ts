import type { Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { ModelConfig } from '../config/schema.js';
import { tf } from '../runtime/tensorflow.js';
import { glorot, zeros, type ParameterSpec, type Parameters } from './parameters.js';
import type { LstmState } from './recurrent-layer.js';

/**
 * Gives the decoder its start state: layer N takes from encoder layer N, or from the last one where the encoder has
 * fewer. `projection` is `tanh(W s + b)` of hidden state and cell, each with weights of its own.
 */
export class Bridge {
  constructor(
    private readonly parameters: () => Parameters,
    private readonly config: ModelConfig,
  ) {}

  specs(): ParameterSpec[] {
    const { bridge, encoder, decoder } = this.config;
    if (bridge !== 'projection') return [];
    return Array.from({ length: decoder.layers }, (_, layer) =>
      ['hidden', 'cell'].flatMap((part) => [
        { name: `bridge.layers.${layer}.${part}.kernel`, shape: [encoder.hiddenSize, decoder.hiddenSize], start: glorot(encoder.hiddenSize, decoder.hiddenSize) },
        { name: `bridge.layers.${layer}.${part}.bias`, shape: [decoder.hiddenSize], start: zeros() },
      ]),
    ).flat();
  }

  /** Final states of the encoder's layers, `[batch, encoderHidden]`, to start states of the decoder's, `[batch, decoderHidden]`. */
  apply(finalStates: readonly LstmState[]): LstmState[] {
    const { bridge, decoder } = this.config;
    return Array.from({ length: decoder.layers }, (_, layer) => {
      const from = finalStates[Math.min(layer, finalStates.length - 1)]!;
      if (bridge === 'copy') return from;
      if (bridge === 'zero') {
        const zero = (): Tensor2D => tf.zeros([from.hidden.shape[0], decoder.hiddenSize]);
        return { hidden: zero(), cell: zero() };
      }
      return { hidden: this.project(from.hidden, layer, 'hidden'), cell: this.project(from.cell, layer, 'cell') };
    });
  }

  private project(state: Tensor2D, layer: number, part: 'hidden' | 'cell'): Tensor2D {
    const name = `bridge.layers.${layer}.${part}`;
    return tf.tanh(this.parameters().multiply(state, `${name}.kernel`, { bias: `${name}.bias` }));
  }
}
