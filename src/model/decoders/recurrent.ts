import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { unstackTime } from '../../runtime/ops/time-major.js';
import { tf } from '../../runtime/tf.js';
import { buildCell, type CellType, type RecurrentCell } from '../cells/cell.js';
import type { BatchShape } from '../../data/batch.js';
import { totalCost, type Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import type {
  Decoder,
  EncodedSource,
  Encoder,
  LayerState,
  PreparedSource,
  StepInput,
  StepOutput,
  TeacherForced,
} from '../model.js';
import type { ParameterSpec, Parameters } from '../parameters.js';
import { Bridge, type BridgeType } from './bridge.js';
import { LuongAttention, type LuongScore } from './luong-attention.js';

/** Settings of a recurrent decoder. */
export interface RecurrentDecoderSettings {
  readonly type: CellType;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly attention: LuongScore | 'none';
  readonly inputFeeding: boolean;
  readonly bridge: BridgeType;
  readonly dropout: number;
}

/**
 * Stacked recurrent layers over the embedded target, followed by attention over the encoder outputs. With input
 * feeding, the attentional hidden state is concatenated to the input of the next step (Luong et al. 2015, section 3.3).
 *
 * State: the parts of each layer's state, then (with input feeding) the last attentional hidden state.
 * Parameters: `bridge.*`, `decoder.layers.N.*`, `attention.*`.
 */
export class RecurrentDecoder implements Decoder {
  readonly outputSize: number;
  private readonly embeddingSize: number;
  private readonly encoderSize: number;
  private readonly bridge: Bridge;
  private readonly cells: readonly RecurrentCell[];
  private readonly attention: LuongAttention | undefined;

  constructor(
    parameters: () => Parameters,
    private readonly settings: RecurrentDecoderSettings,
    {
      embeddingSize,
      encoder,
    }: { readonly embeddingSize: number; readonly encoder: Pick<Encoder, 'outputSize' | 'finalState'> },
  ) {
    const { type, layers, hiddenSize, attention, inputFeeding, bridge } = settings;
    this.outputSize = hiddenSize;
    this.embeddingSize = embeddingSize;
    this.encoderSize = encoder.outputSize;
    this.cells = Array.from({ length: layers }, (_, index) => {
      const inputSize = index > 0 ? hiddenSize : embeddingSize + (inputFeeding ? hiddenSize : 0);
      return buildCell(type, { parameters, name: `decoder.layers.${index}`, inputSize, hiddenSize });
    });
    this.bridge = new Bridge({
      type: bridge,
      encoderSize: encoder.outputSize,
      from: encoder.finalState,
      to: { layers, parts: this.cells[0]!.parts, size: hiddenSize },
    });
    this.attention =
      attention === 'none'
        ? undefined
        : new LuongAttention(parameters, { score: attention, encoderSize: encoder.outputSize, hiddenSize });
  }

  specs(): ParameterSpec[] {
    return [...this.bridge.specs(), ...this.cells.flatMap((cell) => cell.specs()), ...(this.attention?.specs() ?? [])];
  }

  prepare(source: EncodedSource, pass: ForwardPass): PreparedSource {
    const memory = this.attention?.memory(source, pass) ?? [];
    const state: Tensor[] = this.bridge.initialState(source, pass).flat();
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
    if (this.settings.inputFeeding) return this.sequenceByStep(embedded, source, pass, options);
    let inputs = embedded;
    for (const [index, cell] of this.cells.entries()) {
      if (index > 0) inputs = pass.dropout(inputs, this.settings.dropout);
      inputs = cell.sequence(
        inputs,
        lengths,
        { initial: this.layerState(source.state, index), reverse: false },
        pass,
      ).outputs;
    }
    const { hidden, weights } = this.attended(inputs, source.memory, pass);
    return { hidden, attention: options.attention ? weights : undefined, auxiliaryLosses: {} };
  }

  step({ embedded, memory, state }: Omit<StepInput, 'position'>, pass: ForwardPass): StepOutput {
    const { inputFeeding, dropout } = this.settings;
    const next: Tensor[] = [];
    let input: Tensor2D = inputFeeding ? tf.concat([embedded, state.at(-1) as Tensor2D], 1) : embedded;
    for (const [index, cell] of this.cells.entries()) {
      if (index > 0) input = pass.dropout(input, dropout);
      const layerState = cell.step(input, this.layerState(state, index), pass);
      next.push(...layerState);
      input = layerState[0]!;
    }
    const [rows, size] = input.shape;
    const batch = memory[0]?.shape[0] ?? rows;
    const queries = tf.reshape(input, [batch, rows / batch, size]) as Tensor3D;
    const { hidden, weights } = this.attended(queries, memory, pass);
    if (inputFeeding) next.push(hidden);
    return { hidden, state: next, attention: weights };
  }

  cost(shape: BatchShape): Cost {
    const { sentences, targetTime } = shape;
    const { layers, inputFeeding, dropout } = this.settings;
    const dropped = dropout > 0 ? 2 * this.outputSize * (layers - 1) : 0;
    return totalCost([
      this.bridge.cost(sentences),
      ...this.cells.map((cell) => cell.cost({ rows: sentences, time: targetTime })),
      ...(this.attention === undefined ? [] : [this.attention.cost(shape, inputFeeding)]),
      { products: [], values: sentences * targetTime * dropped + (inputFeeding ? this.inputFeedingValues(shape) : 0) },
    ]);
  }

  /** Additional values with input feeding, because tfjs records every step separately. */
  private inputFeedingValues({ sentences, sourceTime, targetTime }: BatchShape): number {
    const { outputSize: size, embeddingSize, encoderSize } = this;
    const inputs = this.cells.map((_, index) => (index === 0 ? embeddingSize + size : size));
    // Each step keeps its inputs and both of its products of four gates, and has separate gradients for the decoder's
    // kernels and for the keys and values of the attention.
    const perPosition = inputs.reduce((sum, input) => sum + input + 8 * size, 0);
    const kernels = inputs.reduce((sum, input) => sum + 4 * (input + size) * size, (encoderSize + size) * size);
    return (
      sentences * targetTime * perPosition + targetTime * (kernels + sentences * sourceTime * (encoderSize + size))
    );
  }

  /** With input feeding, each step needs the attention of the previous one, so the loop over time is sequential. */
  private sequenceByStep(
    embedded: Tensor3D,
    { memory, state: initial }: PreparedSource,
    pass: ForwardPass,
    options: { readonly attention: boolean },
  ): TeacherForced {
    let state = initial;
    const steps = unstackTime(embedded).map((input) => {
      const step = this.step({ embedded: input, memory, state }, pass);
      ({ state } = step);
      return step;
    });
    const weights = steps.flatMap(({ attention }) => attention ?? []);
    return {
      hidden: tf.reshape(
        tf.stack(
          steps.map(({ hidden }) => hidden),
          1,
        ),
        [-1, this.outputSize],
      ),
      attention: options.attention && weights.length > 0 ? tf.concat(weights, 1) : undefined,
      auxiliaryLosses: {},
    };
  }

  private attended(
    queries: Tensor3D,
    memory: readonly Tensor[],
    pass: ForwardPass,
  ): { hidden: Tensor2D; weights: Tensor3D | undefined } {
    return (
      this.attention?.apply(queries, memory, pass) ?? {
        hidden: tf.reshape(queries, [-1, this.outputSize]),
        weights: undefined,
      }
    );
  }

  private layerState(state: readonly Tensor[], layer: number): LayerState {
    const { length } = this.cells[layer]!.parts;
    return state.slice(length * layer, length * (layer + 1)) as Tensor2D[];
  }
}
