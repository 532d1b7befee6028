import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ModelConfig } from '../config/schema.js';
import type { BatchShape } from '../data/batch.js';
import type { Random } from '../random.js';
import { projectedLogits } from '../runtime/ops/best-tokens.js';
import { dropout, type DropoutSeeds } from '../runtime/ops/dropout.js';
import { embed } from '../runtime/ops/embedding.js';
import { tf } from '../runtime/tensorflow.js';
import type { BatchTensors } from './batch-tensors.js';
import { Decoder } from './decoder.js';
import { Encoder } from './encoder.js';
import { trainingMemory } from './lstm-memory.js';
import { trainingFlops } from './lstm-operations.js';
import type { DecodeStep, DecoderState, EncodedSource, TrainableModel } from './model.js';
import { glorot, Parameters, uniform, zeros, type ParameterSpec } from './parameters.js';

/**
 * The recurrent sequence-to-sequence model with attention (Sutskever et al. 2014; Bahdanau et al. 2015; Luong et al.
 * 2015): source embedding, LSTM encoder, bridge, LSTM decoder, attention, output projection.
 *
 * Parameters: `source.embedding` and `target.embedding` (or `shared.embedding`), `encoder.layers.N.DIRECTION.*`,
 * `bridge.layers.N.*`, `decoder.layers.N.*`, `attention.*`, `output.kernel` (absent when tied) and `output.bias`.
 */
export class LstmModel implements TrainableModel {
  readonly parameters: Parameters;
  readonly targetVocabularySize: number;
  readonly outputKernel: string;
  readonly outputBias = 'output.bias';
  private readonly encoder: Encoder;
  private readonly decoder: Decoder;
  private readonly sourceEmbedding: string;
  private readonly targetEmbedding: string;

  constructor(
    private readonly config: ModelConfig,
    sourceVocabularySize: number,
    targetVocabularySize: number,
    random: Random | undefined,
  ) {
    this.targetVocabularySize = targetVocabularySize;
    this.sourceEmbedding = config.shareEmbeddings ? 'shared.embedding' : 'source.embedding';
    this.targetEmbedding = config.shareEmbeddings ? 'shared.embedding' : 'target.embedding';
    this.outputKernel = config.tieTargetEmbeddings ? this.targetEmbedding : 'output.kernel';
    const parameters = (): Parameters => this.parameters;
    this.encoder = new Encoder(parameters, config);
    this.decoder = new Decoder(parameters, config);
    this.parameters = new Parameters(
      [
        ...this.embeddingSpecs(sourceVocabularySize, targetVocabularySize),
        ...this.encoder.specs(),
        ...this.decoder.specs(),
        ...this.outputSpecs(targetVocabularySize),
      ],
      random,
    );
  }

  encode(source: Tensor2D, sourceLengths: Tensor1D, seeds?: DropoutSeeds): EncodedSource {
    const embedded = this.embedTokens(this.sourceEmbedding, source, seeds);
    const { outputs, finalStates } = this.encoder.run(embedded, sourceLengths, seeds);
    const sourceTime = source.shape[1];
    const mask = tf.cast(tf.less(tf.expandDims(tf.range(0, sourceTime, 1, 'int32'), 0), tf.expandDims(sourceLengths, 1)), 'float32');
    return {
      keys: this.decoder.attention.keys(outputs),
      values: outputs,
      mask: mask as Tensor2D,
      initialState: this.decoder.initialState(finalStates),
    };
  }

  decoderOutputs(batch: BatchTensors, seeds?: DropoutSeeds): Tensor2D {
    const encoded = this.encode(batch.source, batch.sourceLengths, seeds);
    const embedded = this.embedTokens(this.targetEmbedding, batch.decoderInput, seeds);
    const hidden = this.decoder.sequence(embedded, batch.targetLengths, encoded, seeds);
    return dropout(hidden, this.config.dropout.output, seeds);
  }

  decodeStep(encoded: EncodedSource, state: DecoderState, previous: Tensor1D): DecodeStep {
    const embedded = embed(this.parameters.get<Tensor2D>(this.targetEmbedding), previous);
    const step = this.decoder.step(embedded, state, encoded, this.parameters.multiplyPacked);
    return {
      logits: projectedLogits(step.hidden, this.parameters.packedKernel(this.outputKernel, true), this.parameters.get<Tensor1D>(this.outputBias)),
      state: step.state,
      attentionWeights: step.weights,
    };
  }

  memory(shape: BatchShape): number {
    return trainingMemory(this.config, this.targetVocabularySize, shape);
  }

  flops(shape: BatchShape): number {
    return trainingFlops(this.config, this.targetVocabularySize, shape);
  }

  dispose(): void {
    this.parameters.dispose();
  }

  /** int32 `[batch, time]` to `[batch, time, embedding]`, with dropout in training. */
  private embedTokens(table: string, ids: Tensor2D, seeds: DropoutSeeds | undefined): Tensor3D {
    const [batch, time] = ids.shape;
    const rows = embed(this.parameters.get<Tensor2D>(table), tf.reshape(ids, [batch * time]));
    return tf.reshape(dropout(rows, this.config.dropout.embedding, seeds), [batch, time, this.config.embeddingSize]);
  }

  private embeddingSpecs(sourceVocabularySize: number, targetVocabularySize: number): ParameterSpec[] {
    const spec = (name: string, vocabularySize: number): ParameterSpec => ({
      name,
      shape: [vocabularySize, this.config.embeddingSize],
      start: uniform(this.config.initialization),
    });
    if (this.config.shareEmbeddings) return [spec('shared.embedding', targetVocabularySize)];
    return [spec('source.embedding', sourceVocabularySize), spec('target.embedding', targetVocabularySize)];
  }

  private outputSpecs(vocabularySize: number): ParameterSpec[] {
    const { hiddenSize } = this.config.decoder;
    const bias: ParameterSpec = { name: this.outputBias, shape: [vocabularySize], start: zeros() };
    if (this.config.tieTargetEmbeddings) return [bias];
    return [{ name: this.outputKernel, shape: [vocabularySize, hiddenSize], start: glorot(hiddenSize, vocabularySize) }, bias];
  }
}
