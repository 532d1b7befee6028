import type * as tf from '@tensorflow/tfjs-node-gpu';
import type { BatchShape } from '../data/batch.js';
import type { Logits } from '../runtime/ops/best-tokens.js';
import type { DropoutSeeds } from '../runtime/ops/dropout.js';
import type { BatchTensors } from './batch-tensors.js';
import type { Parameters } from './parameters.js';

/**
 * The memory of an encoder: what the decoder's attention reads, computed once per sentence.
 * All tensors have the sentence as their first dimension, so sentences can be selected by `gather`.
 */
export interface EncodedSource {
  /** `[batch, srcTime, keySize]`: the encoder outputs as the attention's score sees them. */
  readonly keys: tf.Tensor3D;
  /** `[batch, srcTime, hidden]` encoder outputs, zero at padding. */
  readonly values: tf.Tensor3D;
  /** float32 `[batch, srcTime]`, 1 at real tokens, 0 at padding. */
  readonly mask: tf.Tensor2D;
  /** Start state of the decoder, each `[batch, size]`. */
  readonly initialState: DecoderState;
}

/** State of the decoder: tensors whose first dimension is the hypothesis, `[rows, size]` each. */
export type DecoderState = readonly tf.Tensor2D[];

/** What one decoding step gives. */
export interface DecodeStep {
  /** Of every row; valid as long as the tensors of the step are. */
  readonly logits: Logits;
  readonly state: DecoderState;
  /** `[batch, beam, srcTime]`, summing to 1 over real tokens; absent without attention. */
  readonly attentionWeights: tf.Tensor3D | undefined;
}

/** What search needs of a model; all architectures (and ensembles) offer it. */
export interface Decodable {
  readonly targetVocabularySize: number;
  /**
   * @param source int32 `[batch, srcTime]`, each sentence ending in `</s>`, padded
   * @param sourceLengths int32 `[batch]`
   */
  encode(source: tf.Tensor2D, sourceLengths: tf.Tensor1D): EncodedSource;
  /**
   * One step for all hypotheses: rows are sentence-major, `rows = batch * beam`, where batch is that of `encoded`.
   * @param previous int32 `[rows]`: last token of each hypothesis
   */
  decodeStep(encoded: EncodedSource, state: DecoderState, previous: tf.Tensor1D): DecodeStep;
}

/** What training needs of a model. */
export interface TrainableModel extends Decodable {
  readonly parameters: Parameters;
  /** Name of the parameter `[vocab, hidden]` that turns decoder outputs into logits. */
  readonly outputKernel: string;
  /** Name of the parameter `[vocab]` added to the logits. */
  readonly outputBias: string;
  /**
   * The decoder run over the true target (teacher forcing), before the output projection.
   *
   * @param seeds names the dropout masks; without it there is no dropout
   * @returns `[batch * tgtTime, hidden]`, of no meaning at padded positions
   */
  decoderOutputs(batch: BatchTensors, seeds?: DropoutSeeds): tf.Tensor2D;
  /**
   * An estimate of the memory that a training step needs for a batch of this shape in float32, in bytes: the values of
   * the forward pass that the backward pass reads, and the largest temporary values. Parameters and their gradients are
   * not counted. Never falls when a dimension grows.
   */
  memory(shape: BatchShape): number;
  /**
   * Floating-point operations of the matrix products of a training step on a full batch of this shape: two for each
   * multiplication and addition, forward and backward.
   */
  flops(shape: BatchShape): number;
  dispose(): void;
}
