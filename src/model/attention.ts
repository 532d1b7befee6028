import type { Scalar, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ModelConfig } from '../config/schema.js';
import { additiveScores, attend, dotAttention, type Attended } from '../runtime/ops/attention.js';
import { tf } from '../runtime/tensorflow.js';
import type { EncodedSource } from './model.js';
import { constant, glorot, uniform, type ParameterSpec, type Parameters, type Product } from './parameters.js';

/**
 * Luong attention: scores a query against every encoder output and joins the weighted mean with the query into the
 * attentional hidden state `tanh(W [context; query])` (Luong et al. 2015, equations 5 to 8).
 */
export class Attention {
  private readonly keySize: number;
  private readonly querySize: number;

  constructor(
    private readonly parameters: () => Parameters,
    private readonly config: ModelConfig,
  ) {
    this.keySize = config.encoder.hiddenSize;
    this.querySize = config.decoder.hiddenSize;
  }

  specs(): ParameterSpec[] {
    const { keySize, querySize } = this;
    const { attention } = this.config;
    if (attention === 'none') return [];
    const specs: ParameterSpec[] = [];
    if (attention !== 'dot') {
      specs.push({ name: 'attention.keyKernel', shape: [keySize, querySize], start: glorot(keySize, querySize) });
    }
    if (attention === 'concat') {
      specs.push(
        { name: 'attention.queryKernel', shape: [querySize, querySize], start: glorot(querySize, querySize) },
        { name: 'attention.scoreVector', shape: [querySize], start: uniform(Math.sqrt(3 / querySize)) },
      );
    }
    if (attention === 'scaled') specs.push({ name: 'attention.scale', shape: [], start: constant(1) });
    specs.push({
      name: 'attention.outputKernel',
      shape: [keySize + querySize, querySize],
      start: glorot(keySize + querySize, querySize),
    });
    return specs;
  }

  /** The encoder outputs `[batch, srcTime, hidden]` as the score needs them: projected once per sentence. */
  keys(outputs: Tensor3D): Tensor3D {
    const { attention } = this.config;
    if (attention === 'none' || attention === 'dot') return outputs;
    const [batch, time, size] = outputs.shape;
    const flat = tf.reshape(outputs, [batch * time, size]) as Tensor2D;
    return tf.reshape(this.parameters().multiply(flat, 'attention.keyKernel'), [batch, time, this.querySize]);
  }

  /**
   * @param queries `[batch, queries, hidden]`: decoder states of a sentence, over time or over the beam
   * @returns the attentional hidden states `[batch * queries, hidden]`, and the weights `[batch, queries, srcTime]`;
   *   without attention, the queries themselves
   */
  apply(queries: Tensor3D, encoded: Pick<EncodedSource, 'keys' | 'values' | 'mask'>, multiply: Product): { hidden: Tensor2D; weights: Tensor3D | undefined } {
    if (this.config.attention === 'none') return { hidden: tf.reshape(queries, [-1, this.querySize]), weights: undefined };
    const { joined, weights } = this.attended(queries, encoded, multiply);
    return { hidden: multiply(joined, 'attention.outputKernel', { tanh: true }), weights };
  }

  private attended(queries: Tensor3D, { keys, values, mask }: Pick<EncodedSource, 'keys' | 'values' | 'mask'>, multiply: Product): Attended {
    const { attention } = this.config;
    const parameters = this.parameters();
    if (attention !== 'concat') return dotAttention(queries, keys, values, mask, attention === 'scaled' ? parameters.get<Scalar>('attention.scale') : undefined);
    const [batch, count, size] = queries.shape;
    const flat = tf.reshape(queries, [batch * count, size]) as Tensor2D;
    const projected = tf.reshape(multiply(flat, 'attention.queryKernel'), [batch, count, size]) as Tensor3D;
    return attend(queries, additiveScores(projected, keys, parameters.get<Tensor1D>('attention.scoreVector')), values, mask);
  }
}
