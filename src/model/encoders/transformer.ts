import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../../runtime/tf.js';
import type { BatchShape } from '../../data/batch.js';
import { SelfAttention } from '../attention/multi-head.js';
import { totalCost, type Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import { normal, type Initializer } from '../initializers.js';
import { transformerParts, type TransformerParts, type TransformerSettings } from '../layers/transformer.js';
import type { EncodedSource, Encoder } from '../model.js';
import type { ParameterSpec, Parameters } from '../parameters.js';

/** Settings of a Transformer encoder. */
export interface TransformerEncoderSettings extends TransformerSettings {
  readonly type: 'transformer';
}

/**
 * Transformer encoder (Vaswani et al. 2017): layers of self-attention and a feed-forward network. It has no final
 * state.
 *
 * Parameters: `encoder.positions` if they are learned, `encoder.layers.N.selfAttention.*`,
 * `encoder.layers.N.feedForward.*`, and `encoder.norm.*` with `normPosition: pre`.
 */
export class TransformerEncoder implements Encoder {
  readonly outputSize: number;
  readonly finalState = undefined;
  readonly embeddingInitializer: Initializer;
  readonly maxLength: number | undefined;
  private readonly parts: TransformerParts;
  private readonly attention: readonly SelfAttention[];

  constructor(parameters: () => Parameters, settings: TransformerEncoderSettings) {
    const { layers, hiddenSize: size, heads, attentionDropout: dropout } = settings;
    this.outputSize = size;
    this.embeddingInitializer = normal(size ** -0.5);
    this.maxLength = settings.positions === 'learned' ? settings.maxPositions : undefined;
    this.parts = transformerParts(parameters, settings, 'encoder', ['selfAttention', 'feedForward']);
    this.attention = Array.from({ length: layers }, (_, layer) => {
      const name = `encoder.layers.${layer}.selfAttention`;
      return new SelfAttention({ name, size, heads, dropout, causal: false });
    });
  }

  specs(): ParameterSpec[] {
    const { positions, feedForward, stack } = this.parts;
    return [positions, ...this.attention, ...feedForward, stack].flatMap((part) => part.specs());
  }

  inputs(embedded: Tensor3D, first: number): Tensor3D {
    return this.parts.positions.add(embedded, first);
  }

  encode(embedded: Tensor3D, lengths: Tensor1D, mask: Tensor2D, pass: ForwardPass): EncodedSource {
    const [batch, time, size] = embedded.shape;
    const layers = this.attention.map((attention, layer) => [
      (input: Tensor2D) => attention.sequence(input, batch, pass, lengths),
      (input: Tensor2D) => this.parts.feedForward[layer]!.apply(input, pass),
    ]);
    const flat = tf.reshape(embedded, [batch * time, size]) as Tensor2D;
    const outputs = tf.reshape(this.parts.stack.run(flat, layers, pass), embedded.shape);
    return { outputs: tf.mul(outputs, tf.expandDims(mask, 2)), mask, finalState: undefined };
  }

  cost({ sentences, sourceTime: time }: BatchShape): Cost {
    const rows = sentences * time;
    const { feedForward, stack } = this.parts;
    return totalCost([
      ...this.attention.map((attention) => attention.cost({ sentences, time })),
      ...feedForward.map((network) => network.cost(rows)),
      stack.cost(rows),
      // Inputs with positions, outputs without padding, and the gradients of both.
      { products: [], values: 4 * rows * this.outputSize },
    ]);
  }
}
