import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { additiveScores, attend, dotAttention, type Attended } from '../../runtime/ops/attention.js';
import { tf } from '../../runtime/tf.js';
import type { BatchShape } from '../../data/batch.js';
import type { Cost, MatrixProduct } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import { constant, glorot, uniform } from '../initializers.js';
import type { EncodedSource } from '../model.js';
import type { ParameterSpec, Parameters } from '../parameters.js';

/** Score functions of Luong et al. (2015, section 3.1); `scaled` is `general` times a learned scalar. */
export type LuongScore = 'dot' | 'general' | 'concat' | 'scaled';

export interface LuongAttentionOptions {
  readonly score: LuongScore;
  /** Width of the encoder's outputs. */
  readonly encoderSize: number;
  /** Width of the decoder's hidden states. */
  readonly hiddenSize: number;
}

/**
 * Global attention (Luong et al. 2015). Scores each decoder state against every encoder output, and computes the
 * attentional hidden state `tanh(W [context; state])` (equations 5 to 8).
 *
 * Parameters: `attention.keyKernel`, `attention.queryKernel`, `attention.scoreVector`, `attention.scale` as the score
 * needs them, and `attention.outputKernel`.
 */
export class LuongAttention {
  constructor(
    private readonly parameters: () => Parameters,
    private readonly options: LuongAttentionOptions,
  ) {}

  specs(): ParameterSpec[] {
    const { score, encoderSize: keys, hiddenSize: queries } = this.options;
    const specs: ParameterSpec[] = [];
    if (score !== 'dot') {
      specs.push({ name: 'attention.keyKernel', shape: [keys, queries], initializer: glorot(keys, queries) });
    }
    if (score === 'concat') {
      specs.push(
        { name: 'attention.queryKernel', shape: [queries, queries], initializer: glorot(queries, queries) },
        { name: 'attention.scoreVector', shape: [queries], initializer: uniform(Math.sqrt(3 / queries)) },
      );
    }
    if (score === 'scaled') specs.push({ name: 'attention.scale', shape: [], initializer: constant(1) });
    const inputs = keys + queries;
    specs.push({ name: 'attention.outputKernel', shape: [inputs, queries], initializer: glorot(inputs, queries) });
    return specs;
  }

  /** Keys, values and mask; the keys are projected once per sentence. */
  memory(
    { outputs, mask }: EncodedSource,
    { multiply }: ForwardPass,
  ): [keys: Tensor3D, values: Tensor3D, mask: Tensor2D] {
    const { score, hiddenSize } = this.options;
    if (score === 'dot') return [outputs, outputs, mask];
    const [batch, time, size] = outputs.shape;
    const flat = tf.reshape(outputs, [batch * time, size]) as Tensor2D;
    const keys = tf.reshape(multiply(flat, 'attention.keyKernel'), [batch, time, hiddenSize]) as Tensor3D;
    return [keys, outputs, mask];
  }

  /**
   * @param queries `[batch, queries, hidden]`: decoder states of one sentence, over time or over the beam
   * @param memory as `memory` returns it
   * @returns attentional hidden states `[batch * queries, hidden]` and weights `[batch, queries, srcTime]`
   */
  apply(queries: Tensor3D, memory: readonly Tensor[], pass: ForwardPass): { hidden: Tensor2D; weights: Tensor3D } {
    const { concatenated, weights } = this.attend(queries, memory, pass);
    return { hidden: pass.multiply(concatenated, 'attention.outputKernel', { activation: 'tanh' }), weights };
  }

  /** @param stepwise whether attention is computed step by step, so that some gradients are freed earlier */
  cost({ sentences, sourceTime, targetTime }: BatchShape, stepwise: boolean): Cost {
    const { score, encoderSize: keys, hiddenSize: queries } = this.options;
    const [sourceRows, targetRows, pairs] = [
      sentences * sourceTime,
      sentences * targetTime,
      sentences * sourceTime * targetTime,
    ];
    const products: MatrixProduct[] = [
      { name: 'attention.context', count: sentences, rows: targetTime, inner: sourceTime, columns: keys },
      { name: 'attention.output', count: 1, rows: targetRows, inner: keys + queries, columns: queries },
    ];
    if (score !== 'dot')
      products.push({ name: 'attention.keys', count: 1, rows: sourceRows, inner: keys, columns: queries });
    if (score === 'concat') {
      products.push({ name: 'attention.queries', count: 1, rows: targetRows, inner: queries, columns: queries });
      products.push({ name: 'attention.scores', count: 1, rows: pairs, inner: queries, columns: 1 });
    } else {
      products.push({
        name: 'attention.scores',
        count: sentences,
        rows: targetTime,
        inner: queries,
        columns: sourceTime,
      });
    }
    // Encoder outputs: gradients as keys and as values, and their sum; projected keys and their gradient.
    const ofSource = 2 * keys + (score === 'dot' ? 1 : 2) * queries;
    // Context and query, the product with the output kernel and its tanh; then the gradients of all, and those of the
    // query.
    const ofTarget = 2 * (keys + queries) + 6 * queries;
    // Weights; with additive scores the sum of every query and key, its tanh, and their gradients.
    const ofPair = score === 'concat' ? 4 + (stepwise ? 3 : 5) * queries : 1;
    return { products, values: sourceRows * ofSource + targetRows * ofTarget + pairs * ofPair };
  }

  private attend(queries: Tensor3D, memory: readonly Tensor[], { multiply, policy }: ForwardPass): Attended {
    const [keys, values, mask] = memory as [Tensor3D, Tensor3D, Tensor2D];
    const { score } = this.options;
    const parameters = this.parameters();
    if (score !== 'concat') {
      const scale = score === 'scaled' ? parameters.get<Scalar>('attention.scale') : undefined;
      return dotAttention(queries, keys, values, mask, policy, scale);
    }
    const [batch, count, size] = queries.shape;
    const flat = tf.reshape(queries, [batch * count, size]) as Tensor2D;
    const projected = tf.reshape(multiply(flat, 'attention.queryKernel'), [batch, count, size]) as Tensor3D;
    const scores = additiveScores(projected, keys, parameters.get<Tensor1D>('attention.scoreVector'));
    return attend(queries, scores, values, mask, policy);
  }
}
