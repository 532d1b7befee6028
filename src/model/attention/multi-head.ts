import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { scaledDotAttention, type MultiHeadContext } from '../../runtime/ops/scaled-dot-attention.js';
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

  /** Keys and values before the first step: `[rows, 0, size]` each. */
  initialState(rows: number): Tensor[] {
    const { size } = this.options;
    return [tf.zeros([rows, 0, size]), tf.zeros([rows, 0, size])];
  }

  /**
   * Whole sentences.
   *
   * @param input `[batch * time, size]`
   * @param mask float32 `[batch, time]`: 1 at real tokens. Not needed with `causal`, because padding comes last.
   * @returns `[batch * time, size]`
   */
  sequence(input: Tensor2D, batch: number, pass: ForwardPass, mask?: Tensor2D): Tensor2D {
    const { size, causal } = this.options;
    const parts = this.project(input, pass).map((part) => tf.reshape(part, [batch, -1, size]));
    const [queries, keys, values] = parts as [Tensor3D, Tensor3D, Tensor3D];
    return outputOf(this.options, attend(this.options, queries, keys, values, { causal, mask }, pass).context, pass);
  }

  /**
   * One step.
   *
   * @param input `[rows, size]`
   * @param state keys and values of the earlier steps, `[rows, steps, size]` each
   */
  step(input: Tensor2D, state: readonly Tensor[], pass: ForwardPass): { output: Tensor2D; state: Tensor[] } {
    const [query, ...projected] = this.project(input, pass).map((part) => tf.expandDims<Tensor3D>(part, 1));
    const extended = projected.map((part, which) => tf.concat([state[which] as Tensor3D, part], 1));
    const [keys, values] = extended as [Tensor3D, Tensor3D];
    const { context } = attend(this.options, query!, keys, values, {}, pass);
    return { output: outputOf(this.options, context, pass), state: extended };
  }

  cost({ sentences, time }: { readonly sentences: number; readonly time: number }): Cost {
    const { name, size } = this.options;
    const rows = sentences * time;
    return {
      products: [
        { name: `${name}.projection`, count: 1, rows, inner: size, columns: 3 * size },
        ...attentionProducts(this.options, sentences, time, time),
      ],
      // Queries, keys and values together, apart and by head, and their gradients.
      values: 20 * rows * size + valuesOfAttention(this.options, sentences, time, time),
    };
  }

  /** Queries, keys and values, `[rows, size]` each. */
  private project(input: Tensor2D, { multiply }: ForwardPass): Tensor2D[] {
    const { name } = this.options;
    return tf.split(multiply(input, `${name}.kernel`, { bias: `${name}.bias` }), 3, 1);
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

  /** Projects the outputs of the encoder `[batch, srcTime, encoder]` to keys and values `[batch, srcTime, size]`. */
  memory(outputs: Tensor3D, { multiply }: ForwardPass): [keys: Tensor3D, values: Tensor3D] {
    const { name, size } = this.options;
    const [batch, time, encoderSize] = outputs.shape;
    const flat = tf.reshape(outputs, [batch * time, encoderSize]) as Tensor2D;
    const projected = multiply(flat, `${name}.memoryKernel`, { bias: `${name}.memoryBias` });
    const parts = tf.split(projected, 2, 1).map((part) => tf.reshape(part, [batch, time, size]));
    return parts as [Tensor3D, Tensor3D];
  }

  /**
   * @param input `[batch * queries, size]`: one sentence after the other, over time or over hypotheses
   * @param memory as `memory` returns it
   * @param mask float32 `[batch, srcTime]`: 1 at real tokens
   * @returns output `[batch * queries, size]` and, if requested, weights `[batch, queries, srcTime]`
   */
  apply(
    input: Tensor2D,
    [keys, values]: readonly [Tensor3D, Tensor3D],
    { mask, weights: wanted }: { readonly mask: Tensor2D; readonly weights: boolean },
    pass: ForwardPass,
  ): { output: Tensor2D; weights: Tensor3D | undefined } {
    const { name, size } = this.options;
    const projected = pass.multiply(input, `${name}.queryKernel`, { bias: `${name}.queryBias` });
    const queries = tf.reshape(projected, [mask.shape[0], -1, size]) as Tensor3D;
    const { context, weights } = attend(this.options, queries, keys, values, { mask, weights: wanted }, pass);
    return { output: outputOf(this.options, context, pass), weights };
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
      values:
        sourceRows * (12 * size + encoderSize) +
        8 * targetRows * size +
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

function attend(
  { heads, dropout: rate }: MultiHeadOptions,
  queries: Tensor3D,
  keys: Tensor3D,
  values: Tensor3D,
  which: { readonly mask?: Tensor2D | undefined; readonly causal?: boolean; readonly weights?: boolean },
  { policy, seeds }: ForwardPass,
): MultiHeadContext {
  return scaledDotAttention(queries, keys, values, { heads, dropout: { rate, seeds }, ...which }, policy);
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

/** Values of scores, weights, contexts and outputs, and of their gradients. */
function valuesOfAttention(
  { size, heads, dropout }: MultiHeadOptions,
  sentences: number,
  queries: number,
  keys: number,
): number {
  return sentences * queries * ((dropout > 0 ? 8 : 6) * heads * keys + 6 * size);
}
