import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { attendWithWeights, packedAttention, type ScaledDotOptions } from '../../runtime/ops/scaled-dot-attention.js';
import { tf } from '../../runtime/tf.js';
import type { Cost, MatrixProduct } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import { glorot, zeros } from '../initializers.js';
import type { ParameterSpec } from '../parameters.js';

/** Options of the attention sublayers of a Transformer. */
export interface MultiHeadOptions {
  /** Prefix of the names of the parameters. */
  readonly name: string;
  /** Width of queries, keys, values and outputs, over all heads. */
  readonly size: number;
  readonly heads: number;
  /** Dropout on the attention weights. */
  readonly dropout: number;
}

/**
 * Multi-head attention of a sequence to itself (Vaswani et al. 2017, section 3.2.2).
 *
 * Parameters: `kernel [size, 3 * size]` and `bias [3 * size]` of queries, keys and values, in this order;
 * `outputKernel [size, size]` and `outputBias [size]`.
 */
export class SelfAttention {
  /** @param options.causal whether a position sees only itself and earlier ones */
  constructor(private readonly options: MultiHeadOptions & { readonly causal: boolean }) {}

  specs(): ParameterSpec[] {
    const { name, size } = this.options;
    return [...projectionSpecs(name, '', size, size, 3), ...projectionSpecs(name, 'output', size, size)];
  }

  /** Keys and values before the first step, `[rows, 0, 2 * size]`. */
  initialState(rows: number): Tensor[] {
    return [tf.zeros([rows, 0, 2 * this.options.size])];
  }

  /**
   * Whole sentences.
   *
   * @param input `[batch * time, size]`
   * @param lengths int32 `[batch]`; not needed with `causal`, because padding comes last
   * @returns `[batch * time, size]`
   */
  sequence(input: Tensor2D, batch: number, pass: ForwardPass, lengths?: Tensor1D): Tensor2D {
    const { size, causal } = this.options;
    const projected = tf.reshape(this.project(input, pass), [batch, -1, 3 * size]) as Tensor3D;
    const options = { ...attentionOptions(this.options, pass), lengths, causal };
    return outputOf(this.options, packedAttention([projected], options, pass.policy), pass);
  }

  /**
   * One step.
   *
   * @param input `[rows, size]`
   * @param state keys and values of the earlier steps, `[rows, steps, 2 * size]`
   */
  step(input: Tensor2D, [earlier]: readonly Tensor[], pass: ForwardPass): { output: Tensor2D; state: Tensor[] } {
    const { size } = this.options;
    const projected = tf.expandDims<Tensor3D>(this.project(input, pass), 1);
    const [query, latest] = tf.split(projected, [size, 2 * size], 2) as [Tensor3D, Tensor3D];
    const memory = tf.concat([earlier as Tensor3D, latest], 1);
    const attended = packedAttention([query, memory], attentionOptions(this.options, pass), pass.policy);
    return { output: outputOf(this.options, attended, pass), state: [memory] };
  }

  cost({ sentences, time }: { readonly sentences: number; readonly time: number }): Cost {
    const { name, size } = this.options;
    const rows = sentences * time;
    return {
      products: [
        { name: `${name}.projection`, count: 1, rows, inner: size, columns: 3 * size },
        ...attentionProducts(this.options, sentences, time, time),
      ],
      // Queries, keys and values, and their gradients.
      values: 6 * rows * size + valuesOfAttention(this.options, sentences, time, time),
    };
  }

  /** Queries, keys and values side by side, `[rows, 3 * size]`. */
  private project(input: Tensor2D, { multiply }: ForwardPass): Tensor2D {
    const { name } = this.options;
    return multiply(input, `${name}.kernel`, { bias: `${name}.bias` });
  }
}

/**
 * Multi-head attention of the decoder to the outputs of the encoder (Vaswani et al. 2017, section 3.2.3), which may
 * have another width.
 *
 * Parameters: `queryKernel [size, size]` and `queryBias`; `memoryKernel [encoder, 2 * size]` and `memoryBias` of keys
 * and values, in this order; `outputKernel [size, size]` and `outputBias`.
 */
export class CrossAttention {
  constructor(private readonly options: MultiHeadOptions & { readonly encoderSize: number }) {}

  specs(): ParameterSpec[] {
    const { name, size, encoderSize } = this.options;
    return [
      ...projectionSpecs(name, 'query', size, size),
      ...projectionSpecs(name, 'memory', encoderSize, size, 2),
      ...projectionSpecs(name, 'output', size, size),
    ];
  }

  /** Projects the outputs of the encoder `[batch, srcTime, encoder]` to keys and values, `[batch, srcTime, 2 * size]`. */
  memory(outputs: Tensor3D, { multiply }: ForwardPass): Tensor3D {
    const { name, size } = this.options;
    const [batch, time, encoderSize] = outputs.shape;
    const flat = tf.reshape(outputs, [batch * time, encoderSize]) as Tensor2D;
    const projected = multiply(flat, `${name}.memoryKernel`, { bias: `${name}.memoryBias` });
    return tf.reshape(projected, [batch, time, 2 * size]);
  }

  /**
   * @param input `[batch * queries, size]`: one sentence after the other, over time or over hypotheses
   * @param memory as `memory` returns it
   * @param options.lengths int32 `[batch]`: real tokens of each source
   * @param options.weights whether to return the weights
   * @returns output `[batch * queries, size]` and weights `[batch, queries, srcTime]`, the mean over the heads
   */
  apply(
    input: Tensor2D,
    memory: Tensor3D,
    { lengths, weights: wanted }: { readonly lengths: Tensor1D; readonly weights: boolean },
    pass: ForwardPass,
  ): { output: Tensor2D; weights: Tensor3D | undefined } {
    const { name, size } = this.options;
    const projected = pass.multiply(input, `${name}.queryKernel`, { bias: `${name}.queryBias` });
    const queries = tf.reshape(projected, [lengths.shape[0], -1, size]) as Tensor3D;
    const options = { ...attentionOptions(this.options, pass), lengths };
    if (!wanted) {
      const attended = packedAttention([queries, memory], options, pass.policy);
      return { output: outputOf(this.options, attended, pass), weights: undefined };
    }
    const { attended, weights } = attendWithWeights([queries, memory], options, pass.policy);
    return { output: outputOf(this.options, attended, pass), weights: tf.mean<Tensor3D>(weights, 1) };
  }

  cost({ sentences, sourceTime, targetTime }: { sentences: number; sourceTime: number; targetTime: number }): Cost {
    const { name, size, encoderSize } = this.options;
    const [sourceRows, targetRows] = [sentences * sourceTime, sentences * targetTime];
    return {
      products: [
        { name: `${name}.query`, count: 1, rows: targetRows, inner: size, columns: size },
        { name: `${name}.memory`, count: 1, rows: sourceRows, inner: encoderSize, columns: 2 * size },
        ...attentionProducts(this.options, sentences, targetTime, sourceTime),
      ],
      // Keys and values, queries, and the gradients of all and of the encoder outputs.
      values:
        sourceRows * (4 * size + encoderSize) +
        2 * targetRows * size +
        valuesOfAttention(this.options, sentences, targetTime, sourceTime),
    };
  }
}

function projectionSpecs(
  name: string,
  part: '' | 'query' | 'memory' | 'output',
  inputs: number,
  outputs: number,
  count = 1,
): ParameterSpec[] {
  const [kernel, bias] = part === '' ? ['kernel', 'bias'] : [`${part}Kernel`, `${part}Bias`];
  return [
    { name: `${name}.${kernel}`, shape: [inputs, count * outputs], initializer: glorot(inputs, outputs) },
    { name: `${name}.${bias}`, shape: [count * outputs], initializer: zeros() },
  ];
}

function attentionOptions({ heads, dropout: rate }: MultiHeadOptions, { seeds }: ForwardPass): ScaledDotOptions {
  return { heads, dropout: { rate, seeds } };
}

/** The contexts of all heads, `[batch, queries, size]`, projected: `[batch * queries, size]`. */
function outputOf({ name, size }: MultiHeadOptions, context: Tensor3D, { multiply }: ForwardPass): Tensor2D {
  const flat = tf.reshape(context, [-1, size]) as Tensor2D;
  return multiply(flat, `${name}.outputKernel`, { bias: `${name}.outputBias` });
}

function attentionProducts(
  { name, size, heads }: MultiHeadOptions,
  sentences: number,
  queries: number,
  keys: number,
): MatrixProduct[] {
  const [count, headSize] = [sentences * heads, size / heads];
  return [
    { name: `${name}.scores`, count, rows: queries, inner: headSize, columns: keys },
    { name: `${name}.context`, count, rows: queries, inner: keys, columns: headSize },
    { name: `${name}.output`, count: 1, rows: sentences * queries, inner: size, columns: size },
  ];
}

/** Weights; contexts and outputs, the gradient of the contexts, and that of the input. */
function valuesOfAttention(
  { size, heads }: MultiHeadOptions,
  sentences: number,
  queries: number,
  keys: number,
): number {
  return sentences * queries * (heads * keys + 4 * size);
}
