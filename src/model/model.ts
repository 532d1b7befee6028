import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { Logits } from '../runtime/ops/best-tokens.js';
import type { DropoutSeeds } from '../runtime/ops/dropout.js';
import type { BatchTensors } from './batch-tensors.js';
import type { BatchShape } from '../data/batch.js';
import type { Cost } from './cost.js';
import type { ForwardPass } from './forward-pass.js';
import type { Initializer } from './initializers.js';
import type { ParameterSpec, Parameters } from './parameters.js';

/*
 * The interfaces between the parts of a model, and between a model and its users. An encoder-decoder model (Sutskever
 * et al. 2014) has one `Encoder` and one `Decoder`, which may be of different types. Training depends only on
 * `TrainableModel`, search only on `Decodable`.
 */

/** State of one recurrent layer, one tensor `[rows, size]` per part, the output of the layer first. */
export type LayerState = readonly Tensor2D[];

/** Outputs of an encoder. */
export interface EncodedSource {
  /** `[batch, srcTime, outputSize]`, zero at padding. */
  readonly outputs: Tensor3D;
  /** float32 `[batch, srcTime]`: 1 at real tokens, 0 at padding. */
  readonly mask: Tensor2D;
  /** State of each layer after the whole sentence; undefined for encoders without one. */
  readonly finalState: readonly LayerState[] | undefined;
}

/** Shape of an encoder's final state. */
export interface StateShape {
  readonly layers: number;
  /** Names of the parts of a layer's state: `hidden` and `cell` for an LSTM. */
  readonly parts: readonly string[];
  /** Width of each part. */
  readonly size: number;
}

/** What encoders and decoders have in common: they read embeddings of tokens. */
export interface EmbeddingReader {
  /** Initial values of the embeddings; by default uniform with the bound `model.initialization`. */
  readonly embeddingInitializer?: Initializer;
  /**
   * Turns embeddings `[batch, time, embedding]` into inputs, before dropout: a Transformer scales them and adds
   * positions. By default, the embeddings are the inputs.
   *
   * @param first position of the first step
   */
  inputs?(embedded: Tensor3D, first: number): Tensor3D;
  /** Maximum number of tokens of a sentence; no limit by default. */
  readonly maxLength?: number | undefined;
}

/** Reads the embedded source sentence. */
export interface Encoder extends EmbeddingReader {
  /** Width of the outputs. */
  readonly outputSize: number;
  /** Undefined for encoders without a final state. */
  readonly finalState: StateShape | undefined;
  specs(): ParameterSpec[];
  /**
   * @param embedded `[batch, srcTime, embedding]`
   * @param lengths int32 `[batch]`
   * @param mask float32 `[batch, srcTime]`: 1 at real tokens
   */
  encode(embedded: Tensor3D, lengths: Tensor1D, mask: Tensor2D, pass: ForwardPass): EncodedSource;
  cost(shape: BatchShape): Cost;
}

/**
 * Tensors that a decoder computes once from the encoded source. They may have any rank: search only selects their rows
 * and disposes them.
 */
export interface PreparedSource {
  /** Constant over all steps; the first dimension is the sentence. */
  readonly memory: readonly Tensor[];
  /** State before the first token; the first dimension is the sentence. */
  readonly state: readonly Tensor[];
}

/** Input of one decoder step for all hypotheses. */
export interface StepInput {
  /** `[rows, embedding]` of each hypothesis' last token; rows are sentence-major, `rows = batch * beam`. */
  readonly embedded: Tensor2D;
  /** Position of the predicted token, from 0. */
  readonly position: number;
  readonly memory: readonly Tensor[];
  /** The first dimension is the hypothesis. */
  readonly state: readonly Tensor[];
}

/** Result of a step. */
export interface StepOutput {
  /** `[rows, outputSize]`, before the output projection. */
  readonly hidden: Tensor2D;
  readonly state: readonly Tensor[];
  /** `[batch, beam, srcTime]`; rows sum to 1 over real tokens. Undefined without attention. */
  readonly attention: Tensor3D | undefined;
}

/** Result of teacher forcing. */
export interface TeacherForced {
  /** `[batch * tgtTime, outputSize]`, before the output projection; meaningless at padded positions. */
  readonly hidden: Tensor2D;
  /** `[batch, tgtTime, srcTime]`, if requested and if the decoder has attention. */
  readonly attention: Tensor3D | undefined;
  /** Weighted terms added to the loss, by name, summed over real target positions. */
  readonly auxiliaryLosses: Readonly<Record<string, Scalar>>;
}

/** Generates the target sentence. */
export interface Decoder extends EmbeddingReader {
  /** Width of the hidden states before the output projection. */
  readonly outputSize: number;
  specs(): ParameterSpec[];
  prepare(source: EncodedSource, pass: ForwardPass): PreparedSource;
  /**
   * Runs over a whole target sentence (teacher forcing).
   *
   * @param embedded `[batch, tgtTime, embedding]` of `<s> y1 ... yn`
   * @param lengths int32 `[batch]`
   * @param options.attention whether to return attention weights
   */
  sequence(
    embedded: Tensor3D,
    lengths: Tensor1D,
    source: PreparedSource,
    pass: ForwardPass,
    options: { readonly attention: boolean },
  ): TeacherForced;
  step(input: StepInput, pass: ForwardPass): StepOutput;
  cost(shape: BatchShape): Cost;
}

/** Input of a decoding step of a whole model. */
export interface DecodeStepInput extends Omit<StepInput, 'embedded'> {
  /** int32 `[rows]`: last token of each hypothesis; rows are sentence-major, `rows = batch * beam`. */
  readonly previous: Tensor1D;
}

/** Result of a decoding step. */
export interface DecodeStep {
  /** Valid until the tensors of the step are disposed. */
  readonly logits: Logits;
  readonly state: readonly Tensor[];
  /** `[batch, beam, srcTime]`; undefined without attention. */
  readonly attention: Tensor3D | undefined;
}

/** The interface of a model for search. */
export interface Decodable {
  readonly targetVocabularySize: number;
  /** Maximum number of tokens of a translation, `</s>` included; no limit by default. */
  readonly maxTargetLength?: number | undefined;
  /**
   * @param source int32 `[batch, srcTime]`; each sentence ends in `</s>` and is padded
   * @param lengths int32 `[batch]`
   */
  encode(source: Tensor2D, lengths: Tensor1D): PreparedSource;
  decodeStep(input: DecodeStepInput): DecodeStep;
}

/** The interface of a model for training. */
export interface TrainableModel extends Decodable {
  readonly parameters: Parameters;
  /** Name of the parameter `[vocab, hidden]` of the output projection. */
  readonly outputKernel: string;
  /** Name of the parameter `[vocab]` added to the logits. */
  readonly outputBias: string;
  /** @param options.seeds seeds of the dropout masks; without them, dropout is disabled */
  teacherForcing(
    batch: BatchTensors,
    options?: { readonly seeds?: DropoutSeeds | undefined; readonly attention?: boolean },
  ): TeacherForced;
  /**
   * Estimated memory in bytes of a training step on a batch of this shape in float32: activations and their gradients,
   * without parameters and their gradients. Monotonic in every dimension.
   */
  memory(shape: BatchShape): number;
  /**
   * Floating-point operations of the matrix products of a training step on a full batch of this shape
   * (`trainingFlops`).
   */
  flops(shape: BatchShape): number;
  dispose(): void;
}
