import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../../runtime/tf.js';
import type { BatchShape } from '../../data/batch.js';
import { CrossAttention, SelfAttention } from '../attention/multi-head.js';
import { totalCost, type Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import { normal, type Initializer } from '../initializers.js';
import { Ssru } from '../layers/ssru.js';
import { transformerParts, type TransformerParts, type TransformerSettings } from '../layers/transformer.js';
import type { Sublayer } from '../layers/residual-stack.js';
import type {
  Decoder,
  EncodedSource,
  Encoder,
  PreparedSource,
  StepInput,
  StepOutput,
  TeacherForced,
} from '../model.js';
import type { ParameterSpec, Parameters } from '../parameters.js';

/** Settings of a Transformer decoder. */
export interface TransformerDecoderSettings extends TransformerSettings {
  readonly type: 'transformer';
  readonly autoregression: 'attention' | 'ssru';
}

/** The sublayer of a decoder layer that depends on earlier target positions. */
interface Autoregression {
  specs(): ParameterSpec[];
  /** State before the first step; the first dimension is the hypothesis. */
  initialState(rows: number): Tensor[];
  /** Whole sentences: `[batch * time, size]` to the same shape. */
  sequence(input: Tensor2D, batch: number, pass: ForwardPass): Tensor2D;
  /** One step: `[rows, size]` to the same shape. */
  step(input: Tensor2D, state: readonly Tensor[], pass: ForwardPass): { output: Tensor2D; state: Tensor[] };
  cost(shape: { readonly sentences: number; readonly time: number }): Cost;
}

/**
 * Transformer decoder (Vaswani et al. 2017): layers of causal self-attention, attention to the encoder outputs, and a
 * feed-forward network. An SSRU can take the place of the self-attention (Kim et al. 2019). The attention weights are
 * those of the last layer, averaged over its heads.
 *
 * Memory: the lengths of the sources, then keys and values of each layer. State: keys and values of the prefix in each
 * layer, or the cell of each SSRU.
 *
 * Parameters: `decoder.positions` if they are learned, `decoder.layers.N.selfAttention.*` or `decoder.layers.N.ssru.*`,
 * `decoder.layers.N.crossAttention.*`, `decoder.layers.N.feedForward.*`, and `decoder.norm.*` with `normPosition: pre`.
 */
export class TransformerDecoder implements Decoder {
  readonly outputSize: number;
  readonly embeddingInitializer: Initializer;
  readonly maxLength: number | undefined;
  private readonly parts: TransformerParts;
  private readonly autoregression: readonly Autoregression[];
  private readonly attention: readonly CrossAttention[];

  constructor(
    parameters: () => Parameters,
    settings: TransformerDecoderSettings,
    { encoder }: { readonly encoder: Pick<Encoder, 'outputSize'> },
  ) {
    const { layers, hiddenSize: size, heads, attentionDropout: dropout, autoregression } = settings;
    this.outputSize = size;
    this.embeddingInitializer = normal(size ** -0.5);
    const first = autoregression === 'ssru' ? 'ssru' : 'selfAttention';
    this.maxLength = settings.positions === 'learned' ? settings.maxPositions : undefined;
    this.parts = transformerParts(parameters, settings, 'decoder', [first, 'crossAttention', 'feedForward']);
    const names = Array.from({ length: layers }, (_, layer) => `decoder.layers.${layer}`);
    this.autoregression = names.map((layer) =>
      autoregression === 'ssru'
        ? new Ssru({ parameters, name: `${layer}.ssru`, size })
        : new SelfAttention({ name: `${layer}.selfAttention`, size, heads, dropout, causal: true }),
    );
    const encoderSize = encoder.outputSize;
    this.attention = names.map(
      (layer) => new CrossAttention({ name: `${layer}.crossAttention`, size, heads, dropout, encoderSize }),
    );
  }

  specs(): ParameterSpec[] {
    const { positions, feedForward, stack } = this.parts;
    return [positions, ...this.autoregression, ...this.attention, ...feedForward, stack].flatMap((part) =>
      part.specs(),
    );
  }

  inputs(embedded: Tensor3D, first: number): Tensor3D {
    return this.parts.positions.add(embedded, first);
  }

  prepare({ outputs, mask }: EncodedSource, pass: ForwardPass): PreparedSource {
    const lengths = tf.cast(tf.sum(mask, 1), 'int32');
    return {
      memory: [lengths, ...this.attention.map((attention) => attention.memory(outputs, pass))],
      state: this.autoregression.flatMap((sublayer) => sublayer.initialState(mask.shape[0])),
    };
  }

  sequence(
    embedded: Tensor3D,
    _lengths: Tensor1D,
    { memory }: PreparedSource,
    pass: ForwardPass,
    options: { readonly attention: boolean },
  ): TeacherForced {
    const [batch, time, size] = embedded.shape;
    const { hidden, weights } = this.run(
      tf.reshape(embedded, [batch * time, size]),
      (sublayer, input) => sublayer.sequence(input, batch, pass),
      { memory, attention: options.attention },
      pass,
    );
    return { hidden, attention: weights, auxiliaryLosses: {} };
  }

  step({ embedded, memory, state }: StepInput, pass: ForwardPass): StepOutput {
    const next: Tensor[] = [];
    const perLayer = state.length / this.autoregression.length;
    const { hidden, weights } = this.run(
      embedded,
      (sublayer, input) => {
        const stepped = sublayer.step(input, state.slice(next.length, next.length + perLayer), pass);
        next.push(...stepped.state);
        return stepped.output;
      },
      { memory, attention: true },
      pass,
    );
    return { hidden, state: next, attention: weights };
  }

  cost({ sentences, sourceTime, targetTime }: BatchShape): Cost {
    const rows = sentences * targetTime;
    const { feedForward, stack } = this.parts;
    return totalCost([
      ...this.autoregression.map((sublayer) => sublayer.cost({ sentences, time: targetTime })),
      ...this.attention.map((attention) => attention.cost({ sentences, sourceTime, targetTime })),
      ...feedForward.map((network) => network.cost(rows)),
      stack.cost(rows),
      // Inputs with positions, and their gradients.
      { products: [], values: 2 * rows * this.outputSize },
    ]);
  }

  /** Runs all layers; `regress` runs the first sublayer of each. */
  private run(
    input: Tensor2D,
    regress: (sublayer: Autoregression, input: Tensor2D) => Tensor2D,
    { memory: [lengths, ...projected], attention: wanted }: { readonly memory: readonly Tensor[]; attention: boolean },
    pass: ForwardPass,
  ): { hidden: Tensor2D; weights: Tensor3D | undefined } {
    let weights: Tensor3D | undefined;
    const last = this.attention.length - 1;
    const layers = this.attention.map((attention, layer): Sublayer[] => [
      (x) => regress(this.autoregression[layer]!, x),
      (x) => {
        const options = { lengths: lengths as Tensor1D, weights: wanted && layer === last };
        const attended = attention.apply(x, projected[layer] as Tensor3D, options, pass);
        ({ weights } = attended);
        return attended.output;
      },
      (x) => this.parts.feedForward[layer]!.apply(x, pass),
    ]);
    return { hidden: this.parts.stack.run(input, layers, pass), weights };
  }
}
