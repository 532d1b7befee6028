import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { BatchShape } from '../../data/batch.js';
import { dotAttention } from '../../runtime/ops/attention.js';
import { tf } from '../../runtime/tf.js';
import { totalCost, type Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import { glorot } from '../initializers.js';
import type { EncodedSource } from '../model.js';
import type { ParameterSpec, Parameters } from '../parameters.js';
import { SourceAttention, type CoverageStep, type SourceAttentionOptions } from './source-attention.js';

/** Result of Luong's attention. */
export interface LuongAttended {
  /** Attentional hidden states `[batch * queries, hidden]`. */
  readonly hidden: Tensor2D;
  /** `[batch, queries, srcTime]`; undefined without attention. */
  readonly weights: Tensor3D | undefined;
  readonly coverage: CoverageStep | undefined;
}

/**
 * Global attention (Luong et al. 2015) after the recurrence: the attentional hidden state is
 * `tanh(W [context; state])` (equations 5 to 8).
 *
 * Parameters: those of `SourceAttention`, and `attention.outputKernel`.
 */
export class LuongAttention {
  private readonly attention: SourceAttention;

  constructor(
    parameters: () => Parameters,
    private readonly options: SourceAttentionOptions,
  ) {
    this.attention = new SourceAttention(parameters, options);
  }

  specs(): ParameterSpec[] {
    const { hiddenSize } = this.options;
    const inputs = this.attention.contextSize + hiddenSize;
    return [
      ...this.attention.specs(),
      { name: 'attention.outputKernel', shape: [inputs, hiddenSize], initializer: glorot(inputs, hiddenSize) },
    ];
  }

  memory(source: EncodedSource, pass: ForwardPass): Tensor[] {
    return this.attention.memory(source, pass);
  }

  noCoverage(source: EncodedSource): Tensor3D {
    return this.attention.noCoverage(source);
  }

  /**
   * @param queries `[batch, queries, hidden]`: decoder states of one sentence, over time or over the beam
   * @param memory as `memory` returns it
   * @param coverage `[batch * queries, heads, srcTime]`, with `options.coverage`
   */
  apply(queries: Tensor3D, memory: readonly Tensor[], pass: ForwardPass, coverage?: Tensor3D): LuongAttended {
    const { concatenated, ...attended } = this.concatenate(queries, memory, pass, coverage);
    return { ...attended, hidden: pass.multiply(concatenated, 'attention.outputKernel', { activation: 'tanh' }) };
  }

  /** @param stepwise whether attention is computed step by step, so that some gradients are freed earlier */
  cost(shape: BatchShape, stepwise: boolean): Cost {
    const { hiddenSize } = this.options;
    const { contextSize } = this.attention;
    const rows = shape.sentences * shape.targetTime;
    return totalCost([
      this.attention.cost(shape, stepwise),
      {
        products: [{ name: 'attention.output', count: 1, rows, inner: contextSize + hiddenSize, columns: hiddenSize }],
        // Context and query, the product with the output kernel and its tanh; then the gradients of all, and those of
        // the query.
        values: rows * (2 * (contextSize + hiddenSize) + 6 * hiddenSize),
      },
    ]);
  }

  /** The context of each query, concatenated with the query: `[batch * queries, contextSize + hidden]`. */
  private concatenate(
    queries: Tensor3D,
    memory: readonly Tensor[],
    pass: ForwardPass,
    coverage: Tensor3D | undefined,
  ): Omit<LuongAttended, 'hidden'> & { readonly concatenated: Tensor2D } {
    const { score, heads } = this.options;
    if (score !== 'concat' && heads === 1) {
      const [keys, values, mask] = memory as [Tensor3D, Tensor3D, Tensor2D];
      const attended = dotAttention(queries, keys, values, mask, pass.policy, this.attention.scale);
      return { ...attended, coverage: undefined };
    }
    const { context, ...attended } = this.attention.attend(queries, memory, pass, coverage);
    const joined = tf.concat([context, queries], 2);
    return { ...attended, concatenated: tf.reshape(joined, [-1, joined.shape[2]]) };
  }
}
