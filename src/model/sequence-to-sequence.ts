import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ModelConfig } from '../config/schema.js';
import type { BatchShape } from '../data/batch.js';
import { projectedLogits } from '../runtime/ops/best-tokens.js';
import type { DropoutSeeds } from '../runtime/ops/dropout.js';
import { embed } from '../runtime/ops/embedding.js';
import { tf } from '../runtime/tf.js';
import type { BatchTensors } from './batch-tensors.js';
import type { ModelOptions, VocabularySizes } from './build.js';
import { totalCost, trainingBytes, trainingFlops, type Cost } from './cost.js';
import { ForwardPass } from './forward-pass.js';
import { glorot, uniform, zeros } from './initializers.js';
import type {
  DecodeStep,
  DecodeStepInput,
  Decoder,
  EmbeddingReader,
  Encoder,
  PreparedSource,
  TeacherForced,
  TrainableModel,
} from './model.js';
import { Parameters, type ParameterSpec } from './parameters.js';

/**
 * An encoder-decoder model: source embedding, encoder, decoder, output projection.
 *
 * Parameters: `source.embedding` and `target.embedding` (or `shared.embedding`), those of the encoder and the decoder,
 * `output.kernel` (absent when tied to the target embedding) and `output.bias`.
 */
export class SequenceToSequenceModel implements TrainableModel {
  readonly parameters: Parameters;
  readonly targetVocabularySize: number;
  readonly outputKernel: string;
  readonly outputBias = 'output.bias';
  private readonly encoder: Encoder;
  private readonly decoder: Decoder;
  private readonly sourceEmbedding: string;
  private readonly targetEmbedding: string;

  /** @param parts builds the encoder and the decoder, which read their parameters later through the given function */
  constructor(
    private readonly config: ModelConfig,
    vocabulary: VocabularySizes,
    { random, policy }: Pick<ModelOptions, 'random' | 'policy'>,
    parts: (parameters: () => Parameters) => { readonly encoder: Encoder; readonly decoder: Decoder },
  ) {
    this.targetVocabularySize = vocabulary.target;
    this.sourceEmbedding = config.shareEmbeddings ? 'shared.embedding' : 'source.embedding';
    this.targetEmbedding = config.shareEmbeddings ? 'shared.embedding' : 'target.embedding';
    this.outputKernel = config.tieTargetEmbeddings ? this.targetEmbedding : 'output.kernel';
    ({ encoder: this.encoder, decoder: this.decoder } = parts(() => this.parameters));
    const specs = [
      ...this.embeddingSpecs(vocabulary),
      ...this.encoder.specs(),
      ...this.decoder.specs(),
      ...this.outputSpecs(),
    ];
    this.parameters = new Parameters(specs, { random, policy });
  }

  get maxTargetLength(): number | undefined {
    return this.decoder.maxLength;
  }

  encode(source: Tensor2D, lengths: Tensor1D): PreparedSource {
    return this.prepare(source, lengths, ForwardPass.training(this.parameters));
  }

  teacherForcing(
    batch: BatchTensors,
    { seeds, attention = false }: { readonly seeds?: DropoutSeeds | undefined; readonly attention?: boolean } = {},
  ): TeacherForced {
    const { output, targetWord, variational } = this.config.dropout;
    const pass = ForwardPass.training(this.parameters, { seeds, variational });
    const source = this.prepare(batch.source, batch.sourceLengths, pass);
    const embedded = this.embedTokens(this.decoder, this.targetEmbedding, batch.decoderInput, pass, targetWord);
    const forced = this.decoder.sequence(embedded, batch.targetLengths, source, pass, { attention });
    const { shape } = forced.hidden;
    const bySentence = tf.reshape(forced.hidden, [...batch.decoderInput.shape, shape[1]]) as Tensor3D;
    return { ...forced, hidden: tf.reshape(pass.sequenceDropout(bySentence, output), shape) };
  }

  decodeStep({ previous, ...input }: DecodeStepInput): DecodeStep {
    const rows = embed(this.parameters.get<Tensor2D>(this.targetEmbedding), previous);
    const embedded = this.inputsOfStep(rows, input.position);
    const { hidden, state, attention } = this.decoder.step(
      { ...input, embedded },
      ForwardPass.decoding(this.parameters),
    );
    const kernel = this.parameters.packedKernel(this.outputKernel, true);
    return {
      logits: projectedLogits(hidden, kernel, this.parameters.get<Tensor1D>(this.outputBias)),
      state,
      attention,
    };
  }

  memory(shape: BatchShape): number {
    return trainingBytes(this.cost(shape));
  }

  flops(shape: BatchShape): number {
    return trainingFlops(this.cost(shape));
  }

  dispose(): void {
    this.parameters.dispose();
  }

  /** The costs of all parts. */
  cost(shape: BatchShape): Cost {
    const { sentences, sourceTime, targetTime } = shape;
    const [positions, vocabularySize] = [sentences * targetTime, this.targetVocabularySize];
    const { embeddingSize, dropout } = this.config;
    const { outputSize } = this.decoder;
    // Rows of the tables, the same after each dropout, and the gradient of that.
    const copies = (word: number): number => 1 + (dropout.embedding > 0 ? 2 : 0) + (word > 0 ? 2 : 0);
    const rows = sourceTime * copies(dropout.sourceWord) + targetTime * copies(dropout.targetWord);
    const embeddings = sentences * rows * embeddingSize;
    // Logits, whose memory their gradient reuses; outputs at real positions, after dropout, and the gradients of both.
    const output: Cost = {
      products: [{ name: 'output', count: 1, rows: positions, inner: outputSize, columns: vocabularySize }],
      values: positions * (vocabularySize + (dropout.output > 0 ? 5 : 3) * outputSize),
    };
    return totalCost([
      this.encoder.cost(shape),
      this.decoder.cost(shape),
      output,
      { products: [], values: embeddings },
    ]);
  }

  private prepare(source: Tensor2D, lengths: Tensor1D, pass: ForwardPass): PreparedSource {
    const { sourceWord } = this.config.dropout;
    const embedded = this.embedTokens(this.encoder, this.sourceEmbedding, source, pass, sourceWord);
    const positions = tf.expandDims(tf.range(0, source.shape[1], 1, 'int32'), 0);
    const mask = tf.cast(tf.less(positions, tf.expandDims(lengths, 1)), 'float32') as Tensor2D;
    return this.decoder.prepare(this.encoder.encode(embedded, lengths, mask, pass), pass);
  }

  /** int32 `[batch, time]` to the inputs of `reader`, `[batch, time, embedding]`. */
  private embedTokens(
    reader: EmbeddingReader,
    table: string,
    ids: Tensor2D,
    pass: ForwardPass,
    wordDropout: number,
  ): Tensor3D {
    const [batch, time] = ids.shape;
    const rows = embed(this.parameters.get<Tensor2D>(table), tf.reshape(ids, [batch * time]));
    const whole = tf.reshape(rows, [batch, time, this.config.embeddingSize]) as Tensor3D;
    const embedded = pass.wordDropout(whole, wordDropout);
    return pass.sequenceDropout(reader.inputs?.(embedded, 0) ?? embedded, this.config.dropout.embedding);
  }

  /** The inputs of the decoder for one step, `[rows, embedding]`. */
  private inputsOfStep(embedded: Tensor2D, position: number): Tensor2D {
    if (this.decoder.inputs === undefined) return embedded;
    return tf.squeeze<Tensor2D>(this.decoder.inputs(tf.expandDims(embedded, 1), position), [1]);
  }

  private embeddingSpecs({ source, target }: VocabularySizes): ParameterSpec[] {
    const spec = (name: string, size: number, { embeddingInitializer }: EmbeddingReader): ParameterSpec => ({
      name,
      shape: [size, this.config.embeddingSize],
      initializer: embeddingInitializer ?? uniform(this.config.initialization),
    });
    const { encoder, decoder } = this;
    if (this.config.shareEmbeddings) {
      const reader = decoder.embeddingInitializer === undefined ? encoder : decoder;
      return [spec('shared.embedding', target, reader)];
    }
    return [spec('source.embedding', source, encoder), spec('target.embedding', target, decoder)];
  }

  private outputSpecs(): ParameterSpec[] {
    const [vocabularySize, { outputSize }] = [this.targetVocabularySize, this.decoder];
    const bias: ParameterSpec = { name: this.outputBias, shape: [vocabularySize], initializer: zeros() };
    if (this.config.tieTargetEmbeddings) return [bias];
    return [
      { name: this.outputKernel, shape: [vocabularySize, outputSize], initializer: glorot(outputSize, vocabularySize) },
      bias,
    ];
  }
}
