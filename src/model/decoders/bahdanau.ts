import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { BatchShape } from '../../data/batch.js';
import { unstackTime } from '../../runtime/ops/time-major.js';
import { tf } from '../../runtime/tf.js';
import { totalCost, type Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import { glorot } from '../initializers.js';
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
import { Bridge } from './bridge.js';
import { coverageLoss } from './coverage-loss.js';
import type { RecurrentDecoderSettings } from './recurrent.js';
import { RecurrentStack, type LayerDropout } from './recurrent-stack.js';
import { SourceAttention, type AttendedSource } from './source-attention.js';

/** Settings of a decoder with attention inside the recurrence. */
export interface BahdanauDecoderSettings extends Omit<RecurrentDecoderSettings, 'attention' | 'inputFeeding'> {
  /** Layers whose input contains the context. */
  readonly contextLayers: 'first' | 'all';
}

/** The first layer in one step. */
interface FirstLayerStep {
  readonly output: Tensor2D;
  readonly attended: AttendedSource;
  /** `[rows, contextSize]` */
  readonly context: Tensor2D;
  readonly state: readonly Tensor[];
}

/**
 * Stacked recurrent layers with attention inside the recurrence (Bahdanau et al. 2015): the state of the first layer
 * after the previous token is the query of an additive score, and the context is an input of the first layer, with
 * the embedding of the token. With `contextLayers: all`, it is an input of every layer, as in GNMT (Wu et al. 2016,
 * equation 4). The output is `tanh(W [context; state; embedding])` of the last layer.
 *
 * Neither the first layer nor the attention depends on the other layers, so only they need a loop over time.
 *
 * State: the parts of each layer's state, then (with coverage) the sums of the attention weights. Parameters:
 * `bridge.*`, `decoder.layers.N.*`, those of `SourceAttention`, and `attention.outputKernel`.
 */
export class BahdanauDecoder implements Decoder {
  readonly outputSize: number;
  private readonly embeddingSize: number;
  private readonly bridge: Bridge;
  private readonly stack: RecurrentStack;
  private readonly attention: SourceAttention;

  constructor(
    parameters: () => Parameters,
    private readonly settings: BahdanauDecoderSettings,
    {
      embeddingSize,
      encoder,
    }: { readonly embeddingSize: number; readonly encoder: Pick<Encoder, 'outputSize' | 'finalState'> },
  ) {
    const { layers, hiddenSize, attentionHeads: heads, coverage, contextLayers, bridge } = settings;
    const { outputSize: encoderSize, finalState: from } = encoder;
    this.outputSize = hiddenSize;
    this.embeddingSize = embeddingSize;
    this.attention = new SourceAttention(parameters, { score: 'concat', encoderSize, hiddenSize, heads, coverage });
    const { contextSize } = this.attention;
    this.stack = new RecurrentStack(parameters, settings, (layer) => {
      if (layer === 0) return embeddingSize + contextSize;
      return hiddenSize + (contextLayers === 'all' ? contextSize : 0);
    });
    const to = { layers, parts: this.stack.parts, size: hiddenSize };
    this.bridge = new Bridge({ type: bridge, encoderSize, from, to });
  }

  specs(): ParameterSpec[] {
    const { outputSize } = this;
    const inputs = this.attention.contextSize + outputSize + this.embeddingSize;
    return [
      ...this.bridge.specs(),
      ...this.stack.specs(),
      ...this.attention.specs(),
      { name: 'attention.outputKernel', shape: [inputs, outputSize], initializer: glorot(inputs, outputSize) },
    ];
  }

  prepare(source: EncodedSource, pass: ForwardPass): PreparedSource {
    const state: Tensor[] = this.bridge.initialState(source, pass).flat();
    if (this.settings.coverage) state.push(this.attention.noCoverage(source));
    return { memory: this.attention.memory(source, pass), state };
  }

  sequence(
    embedded: Tensor3D,
    lengths: Tensor1D,
    source: PreparedSource,
    pass: ForwardPass,
    options: { readonly attention: boolean },
  ): TeacherForced {
    const steps = this.firstLayer(embedded, source, pass);
    const over = (of: (step: FirstLayerStep) => Tensor2D): Tensor3D => tf.stack(steps.map(of), 1) as Tensor3D;
    const contexts = over(({ context }) => context);
    const outputs = this.stack.sequence(
      over(({ output }) => output),
      lengths,
      source.state,
      pass,
      {
        first: 1,
        columns: this.settings.contextLayers === 'all' ? contexts : undefined,
      },
    );
    const joined = tf.concat([contexts, outputs, embedded], 2);
    const overlaps = steps.flatMap(({ attended }) => attended.coverage?.overlap ?? []);
    return {
      hidden: this.output(tf.reshape(joined, [-1, joined.shape[2]]), pass),
      attention: options.attention
        ? tf.concat(
            steps.map(({ attended }) => attended.weights),
            1,
          )
        : undefined,
      auxiliaryLosses: coverageLoss(overlaps, lengths, this.settings.coverageLoss),
    };
  }

  step({ embedded, memory, state }: Omit<StepInput, 'position'>, pass: ForwardPass): StepOutput {
    const { layers, contextLayers } = this.settings;
    const drop: LayerDropout = (input) => input;
    const first = this.firstLayerStep(embedded, memory, state, pass);
    const next = [...first.state];
    let { output } = first;
    for (let layer = 1; layer < layers; layer++) {
      const columns = contextLayers === 'all' ? first.context : undefined;
      const after = this.stack.step(layer, output, state, pass, { drop, columns });
      next.push(...after.state);
      ({ output } = after);
    }
    const { coverage, weights } = first.attended;
    if (coverage !== undefined) next.push(coverage.sums);
    const hidden = this.output(tf.concat([first.context, output, embedded], 1), pass);
    return { hidden, state: next, attention: weights };
  }

  cost(shape: BatchShape): Cost {
    const { sentences, sourceTime, targetTime } = shape;
    const { outputSize: size, embeddingSize } = this;
    const { contextLayers, layers } = this.settings;
    const { contextSize } = this.attention;
    const rows = sentences * targetTime;
    const inner = contextSize + size + embeddingSize;
    // The first layer keeps its inputs, both products of its gates and their gradients in every step, and every step
    // has separate gradients for keys and values.
    const ofLoop = rows * (4 * (embeddingSize + contextSize) + 20 * size) + rows * sourceTime * (contextSize + size);
    const ofLayers = contextLayers === 'all' ? (layers - 1) * 2 * (contextSize + size) : 0;
    return totalCost([
      this.bridge.cost(sentences),
      this.stack.cost(sentences, targetTime),
      this.attention.cost(shape, true),
      {
        products: [{ name: 'attention.output', count: 1, rows, inner, columns: size }],
        values: rows * (2 * inner + 4 * size + ofLayers) + ofLoop,
      },
    ]);
  }

  /** The first layer and the attention over whole sentences, step by step. */
  private firstLayer(embedded: Tensor3D, source: PreparedSource, pass: ForwardPass): FirstLayerStep[] {
    const { parts } = this.stack;
    const names = [...this.stack.specs(), ...this.attention.specs()].map(({ name }) => name);
    const ofLoop = names.filter((name) => name.startsWith('decoder.layers.0.') || name === 'attention.queryKernel');
    const loop = pass.loop(source.state[0]!, ofLoop);
    const rest = this.settings.coverage ? [source.state.at(-1)!] : [];
    let state: readonly Tensor[] = [loop.start, ...source.state.slice(1, parts.length)];
    let coverage = rest;
    return unstackTime(embedded).map((input) => {
      const step = this.firstLayerStep(input, source.memory, [...state, ...coverage], loop.pass);
      ({ state } = step);
      coverage = step.attended.coverage === undefined ? [] : [step.attended.coverage.sums];
      return step;
    });
  }

  /** @param state the state of the first layer; with coverage, its last tensor */
  private firstLayerStep(
    embedded: Tensor2D,
    memory: readonly Tensor[],
    state: readonly Tensor[],
    pass: ForwardPass,
  ): FirstLayerStep {
    const [query, coverage] = [state[0] as Tensor2D, this.settings.coverage ? (state.at(-1) as Tensor3D) : undefined];
    const [rows, size] = query.shape;
    const batch = memory[0]!.shape[0]!;
    const queries = tf.reshape(query, [batch, rows / batch, size]) as Tensor3D;
    const attended = this.attention.attend(queries, memory, pass, coverage);
    const context = tf.reshape(attended.context, [rows, this.attention.contextSize]) as Tensor2D;
    const after = this.stack.step(0, embedded, state, pass, { drop: (input) => input, columns: context });
    return { output: after.output, state: after.state, attended, context };
  }

  /** @param joined `[rows, contextSize + hidden + embedding]`: context, output of the last layer, and embedding */
  private output(joined: Tensor2D, { multiply }: ForwardPass): Tensor2D {
    return multiply(joined, 'attention.outputKernel', { activation: 'tanh' });
  }
}
