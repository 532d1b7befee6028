import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { BatchShape } from '../../data/batch.js';
import { unstackTime } from '../../runtime/ops/time-major.js';
import { tf } from '../../runtime/tf.js';
import { totalCost, type Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
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
import { Bridge, type BridgeType } from './bridge.js';
import { coverageLoss } from './coverage-loss.js';
import { LuongAttention, type LuongAttended } from './luong-attention.js';
import { RecurrentStack, type LayerDropout, type RecurrentStackSettings } from './recurrent-stack.js';
import type { CoverageStep, Score } from './source-attention.js';

/** Settings of a recurrent decoder. */
export interface RecurrentDecoderSettings extends RecurrentStackSettings {
  readonly attention: Score | 'none';
  readonly attentionHeads: number;
  readonly coverage: boolean;
  readonly coverageLoss: number;
  readonly inputFeeding: boolean;
  readonly bridge: BridgeType;
}

/** A step, with what the coverage loss needs. */
interface CoveredStep extends StepOutput {
  readonly coverage: CoverageStep | undefined;
}

/**
 * Stacked recurrent layers over the embedded target, followed by attention over the encoder outputs. With input
 * feeding, the attentional hidden state is concatenated to the input of the next step (Luong et al. 2015, section 3.3).
 *
 * State: the parts of each layer's state, then (with coverage) the sums of the attention weights, then (with input
 * feeding) the last attentional hidden state. Parameters: `bridge.*`, `decoder.layers.N.*`, `attention.*`.
 */
export class RecurrentDecoder implements Decoder {
  readonly outputSize: number;
  private readonly embeddingSize: number;
  private readonly encoderSize: number;
  private readonly bridge: Bridge;
  private readonly stack: RecurrentStack;
  private readonly attention: LuongAttention | undefined;

  constructor(
    parameters: () => Parameters,
    private readonly settings: RecurrentDecoderSettings,
    {
      embeddingSize,
      encoder,
    }: { readonly embeddingSize: number; readonly encoder: Pick<Encoder, 'outputSize' | 'finalState'> },
  ) {
    const { layers, hiddenSize, attention: score, attentionHeads: heads, coverage, inputFeeding, bridge } = settings;
    const { outputSize: encoderSize, finalState: from } = encoder;
    this.outputSize = hiddenSize;
    this.embeddingSize = embeddingSize;
    this.encoderSize = encoderSize;
    this.stack = new RecurrentStack(parameters, settings, (layer) =>
      layer > 0 ? hiddenSize : embeddingSize + (inputFeeding ? hiddenSize : 0),
    );
    const to = { layers, parts: this.stack.parts, size: hiddenSize };
    this.bridge = new Bridge({ type: bridge, encoderSize, from, to });
    this.attention =
      score === 'none'
        ? undefined
        : new LuongAttention(parameters, { score, encoderSize, hiddenSize, heads, coverage });
  }

  specs(): ParameterSpec[] {
    return [...this.bridge.specs(), ...this.stack.specs(), ...(this.attention?.specs() ?? [])];
  }

  prepare(source: EncodedSource, pass: ForwardPass): PreparedSource {
    const memory = this.attention?.memory(source, pass) ?? [];
    const state: Tensor[] = this.bridge.initialState(source, pass).flat();
    if (this.settings.coverage) state.push(this.attention!.noCoverage(source));
    if (this.settings.inputFeeding) state.push(tf.zeros([source.mask.shape[0], this.outputSize]));
    return { memory, state };
  }

  sequence(
    embedded: Tensor3D,
    lengths: Tensor1D,
    source: PreparedSource,
    pass: ForwardPass,
    options: { readonly attention: boolean },
  ): TeacherForced {
    if (this.settings.inputFeeding) return this.sequenceByStep(embedded, lengths, source, pass, options);
    const outputs = this.stack.sequence(embedded, lengths, source.state, pass);
    if (this.settings.coverage) return this.attendByStep(outputs, lengths, source, pass, options);
    const { hidden, weights } = this.attended(outputs, source.memory, pass, undefined);
    return { hidden, attention: options.attention ? weights : undefined, auxiliaryLosses: {} };
  }

  step(input: Omit<StepInput, 'position'>, pass: ForwardPass): StepOutput {
    const { hidden, state, attention } = this.coveredStep(input, pass, (below) => below);
    return { hidden, state, attention };
  }

  cost(shape: BatchShape): Cost {
    const { sentences, targetTime } = shape;
    const { inputFeeding, coverage } = this.settings;
    return totalCost([
      this.bridge.cost(sentences),
      this.stack.cost(sentences, targetTime),
      ...(this.attention === undefined ? [] : [this.attention.cost(shape, inputFeeding || coverage)]),
      { products: [], values: inputFeeding ? this.inputFeedingValues(shape) : 0 },
    ]);
  }

  /** Additional values with input feeding, because tfjs records every step separately. */
  private inputFeedingValues({ sentences, sourceTime, targetTime }: BatchShape): number {
    const { outputSize: size, embeddingSize, encoderSize } = this;
    const inputs = Array.from({ length: this.settings.layers }, (_, layer) =>
      layer === 0 ? embeddingSize + size : size,
    );
    // Each step keeps its inputs and both of its products of up to four gates, and has separate gradients for the
    // decoder's kernels and for the keys and values of the attention.
    const perPosition = inputs.reduce((sum, input) => sum + input + 8 * size, 0);
    const kernels = inputs.reduce((sum, input) => sum + 4 * (input + size) * size, (encoderSize + size) * size);
    return (
      sentences * targetTime * perPosition + targetTime * (kernels + sentences * sourceTime * (encoderSize + size))
    );
  }

  private coveredStep(
    { embedded, memory, state }: Omit<StepInput, 'position'>,
    pass: ForwardPass,
    drop: LayerDropout,
  ): CoveredStep {
    const { inputFeeding, coverage: covers, layers } = this.settings;
    const next: Tensor[] = [];
    let output = embedded;
    for (let layer = 0; layer < layers; layer++) {
      const columns = layer === 0 && inputFeeding ? (state.at(-1) as Tensor2D) : undefined;
      const after = this.stack.step(layer, output, state, pass, { drop, columns });
      next.push(...after.state);
      ({ output } = after);
    }
    const [rows, size] = output.shape;
    const batch = memory[0]?.shape[0] ?? rows;
    const queries = tf.reshape(output, [batch, rows / batch, size]) as Tensor3D;
    const earlier = covers ? (state[next.length] as Tensor3D) : undefined;
    const { hidden, weights, coverage } = this.attended(queries, memory, pass, earlier);
    if (coverage !== undefined) next.push(coverage.sums);
    if (inputFeeding) next.push(hidden);
    return { hidden, state: next, attention: weights, coverage };
  }

  /** With input feeding, each step needs the attention of the previous one, so the loop over time is sequential. */
  private sequenceByStep(
    embedded: Tensor3D,
    lengths: Tensor1D,
    { memory, state: initial }: PreparedSource,
    pass: ForwardPass,
    options: { readonly attention: boolean },
  ): TeacherForced {
    const drop = this.stack.layerDropout(embedded.shape[0], pass);
    let state = initial;
    const steps = unstackTime(embedded).map((input) => {
      const step = this.coveredStep({ embedded: input, memory, state }, pass, drop);
      ({ state } = step);
      return step;
    });
    return this.joined(steps, lengths, options);
  }

  /** With coverage, attention is computed step by step after the recurrence. */
  private attendByStep(
    outputs: Tensor3D,
    lengths: Tensor1D,
    { memory, state }: PreparedSource,
    pass: ForwardPass,
    options: { readonly attention: boolean },
  ): TeacherForced {
    let sums = state.at(-1) as Tensor3D;
    const steps = unstackTime(outputs).map((output) => {
      const { weights, ...step } = this.attended(tf.expandDims(output, 1), memory, pass, sums);
      ({ sums } = step.coverage!);
      return { ...step, attention: weights };
    });
    return this.joined(steps, lengths, options);
  }

  /** Joins the results of all steps. */
  private joined(
    steps: readonly Pick<CoveredStep, 'hidden' | 'attention' | 'coverage'>[],
    lengths: Tensor1D,
    options: { readonly attention: boolean },
  ): TeacherForced {
    const weights = steps.flatMap(({ attention }) => attention ?? []);
    const hidden = tf.stack(
      steps.map((step) => step.hidden),
      1,
    );
    const overlaps = steps.flatMap(({ coverage }) => coverage?.overlap ?? []);
    return {
      hidden: tf.reshape(hidden, [-1, this.outputSize]),
      attention: options.attention && weights.length > 0 ? tf.concat(weights, 1) : undefined,
      auxiliaryLosses: coverageLoss(overlaps, lengths, this.settings.coverageLoss),
    };
  }

  private attended(
    queries: Tensor3D,
    memory: readonly Tensor[],
    pass: ForwardPass,
    coverage: Tensor3D | undefined,
  ): LuongAttended {
    if (this.attention !== undefined) return this.attention.apply(queries, memory, pass, coverage);
    return { hidden: tf.reshape(queries, [-1, this.outputSize]), weights: undefined, coverage: undefined };
  }
}
