import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ModelConfig } from '../config/schema.js';
import { dropout, type DropoutSeeds } from '../runtime/ops/dropout.js';
import { stepsOf } from '../runtime/ops/steps.js';
import { tf } from '../runtime/tensorflow.js';
import { Attention } from './attention.js';
import { Bridge } from './bridge.js';
import type { DecoderState, EncodedSource } from './model.js';
import type { ParameterSpec, Parameters, Product } from './parameters.js';
import { LstmLayer, type LstmState } from './recurrent-layer.js';

/**
 * Layers of LSTMs over the embedded target, then attention over the encoder outputs.
 *
 * Its state is, for each layer, hidden state and cell, then (with input feeding) the last attentional hidden state.
 */
export class Decoder {
  readonly attention: Attention;
  private readonly bridge: Bridge;
  private readonly layers: readonly LstmLayer[];

  constructor(
    private readonly parameters: () => Parameters,
    private readonly config: ModelConfig,
  ) {
    const { layers, hiddenSize, inputFeeding } = config.decoder;
    this.attention = new Attention(parameters, config);
    this.bridge = new Bridge(parameters, config);
    this.layers = Array.from({ length: layers }, (_, index) => {
      const inputSize = index > 0 ? hiddenSize : config.embeddingSize + (inputFeeding ? hiddenSize : 0);
      return new LstmLayer(parameters, `decoder.layers.${index}`, inputSize, hiddenSize);
    });
  }

  specs(): ParameterSpec[] {
    return [...this.bridge.specs(), ...this.layers.flatMap((layer) => layer.specs()), ...this.attention.specs()];
  }

  /** The state before the first token, from the encoder's final states. */
  initialState(finalStates: readonly LstmState[]): DecoderState {
    const states = this.bridge.apply(finalStates).flatMap(({ hidden, cell }) => [hidden, cell]);
    if (!this.config.decoder.inputFeeding) return states;
    const rows = states[0]!.shape[0];
    return [...states, tf.zeros([rows, this.config.decoder.hiddenSize]) as Tensor2D];
  }

  /**
   * All steps with the true target as input (teacher forcing).
   *
   * @param embedded `[batch, tgtTime, embedding]` of `<s> y1 ... yn`
   * @param lengths int32 `[batch]`
   * @returns attentional hidden states `[batch * tgtTime, hidden]`, of no meaning at padded positions
   */
  sequence(embedded: Tensor3D, lengths: Tensor1D, encoded: EncodedSource, seeds: DropoutSeeds | undefined): Tensor2D {
    if (this.config.decoder.inputFeeding) return this.sequenceByStep(embedded, encoded, seeds);
    let inputs = embedded;
    for (const [index, layer] of this.layers.entries()) {
      if (index > 0) inputs = dropout(inputs, this.config.dropout.layers, seeds);
      inputs = layer.sequence(inputs, lengths, layerState(encoded.initialState, index), false).outputs;
    }
    return this.attention.apply(inputs, encoded, this.parameters().multiply).hidden;
  }

  /**
   * One step for every hypothesis.
   *
   * @param embedded `[rows, embedding]`, `rows = batch * beam`, where batch is that of `encoded`
   * @returns attentional hidden states `[rows, hidden]`, the next state, and attention weights `[batch, beam, srcTime]`
   */
  step(
    embedded: Tensor2D,
    state: DecoderState,
    encoded: EncodedSource,
    multiply: Product,
    seeds?: DropoutSeeds,
  ): { hidden: Tensor2D; state: DecoderState; weights: Tensor3D | undefined } {
    const { inputFeeding } = this.config.decoder;
    const next: Tensor2D[] = [];
    let input = inputFeeding ? tf.concat([embedded, state.at(-1)!], 1) : embedded;
    for (const [index, layer] of this.layers.entries()) {
      if (index > 0) input = dropout(input, this.config.dropout.layers, seeds);
      const { hidden, cell } = layer.step(input, layerState(state, index), multiply);
      next.push(hidden, cell);
      input = hidden;
    }
    const [rows, size] = input.shape;
    const batch = encoded.mask.shape[0];
    const queries = tf.reshape(input, [batch, rows / batch, size]) as Tensor3D;
    const { hidden, weights } = this.attention.apply(queries, encoded, multiply);
    if (inputFeeding) next.push(hidden);
    return { hidden, state: next, weights };
  }

  /** With input feeding each step needs the attention of the one before, so there is no way around a loop. */
  private sequenceByStep(embedded: Tensor3D, encoded: EncodedSource, seeds: DropoutSeeds | undefined): Tensor2D {
    let state = encoded.initialState;
    const hiddenStates = stepsOf(embedded).map((input) => {
      const step = this.step(input, state, encoded, this.parameters().multiply, seeds);
      state = step.state;
      return step.hidden;
    });
    return tf.reshape(tf.stack(hiddenStates, 1), [-1, this.config.decoder.hiddenSize]);
  }
}

function layerState(state: DecoderState, layer: number): LstmState {
  return { hidden: state[2 * layer]!, cell: state[2 * layer + 1]! };
}
