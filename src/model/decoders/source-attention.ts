import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-node-gpu';
import type { BatchShape } from '../../data/batch.js';
import { additiveScores, contextOf, dotAttention } from '../../runtime/ops/attention.js';
import { foldHeads, joinHeads, repeatForHeads, splitHeads } from '../../runtime/ops/heads.js';
import { tf } from '../../runtime/tf.js';
import type { Cost, MatrixProduct } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import { constant, glorot, uniform } from '../initializers.js';
import type { EncodedSource } from '../model.js';
import type { ParameterSpec, Parameters } from '../parameters.js';

/**
 * Score functions of Luong et al. (2015, section 3.1); `concat` is the additive score of Bahdanau et al. (2015), and
 * `scaled` is `general` times a learned scalar.
 */
export type Score = 'dot' | 'general' | 'concat' | 'scaled';

export interface SourceAttentionOptions {
  readonly score: Score;
  /** Width of the encoder's outputs. */
  readonly encoderSize: number;
  /** Width of the queries, and of the keys after their projection. */
  readonly hiddenSize: number;
  readonly heads: number;
  /** Whether the scores depend on the sum of the weights of earlier steps. */
  readonly coverage: boolean;
}

/** Result of attention. */
export interface AttendedSource {
  /** `[batch, queries, contextSize]` */
  readonly context: Tensor3D;
  /** `[batch, queries, srcTime]`, the mean of all heads; rows sum to 1 over real tokens. */
  readonly weights: Tensor3D;
  /** With coverage. */
  readonly coverage: CoverageStep | undefined;
}

/** What one step of attention with coverage computes; rows are hypotheses. */
export interface CoverageStep {
  /** `[rows, heads, srcTime]`: sums of the weights of all steps so far. */
  readonly sums: Tensor3D;
  /** `[rows]`: overlap of the weights with those of earlier steps, `Σ min(a, c)` (See et al. 2017, equation 12). */
  readonly overlap: Tensor1D;
}

/**
 * Scores decoder states against every encoder output, and computes the mean of the outputs weighted by the softmax of
 * the scores. With several heads, each has its slice of the projected queries, keys and values (Vaswani et al. 2017,
 * section 3.2.2).
 *
 * With coverage, the additive score has the term `c u`, where `c` is the sum of the weights of earlier steps (the
 * linguistic coverage of Tu et al. 2016 with fertility 1; See et al. 2017, equations 10 and 11).
 *
 * Parameters as the score needs them: `attention.keyKernel`, `attention.queryKernel`, `attention.scoreVector`,
 * `attention.scale`, `attention.coverageVector`; with several heads, `attention.valueKernel`.
 */
export class SourceAttention {
  /** Width of the context. */
  readonly contextSize: number;

  constructor(
    private readonly parameters: () => Parameters,
    private readonly options: SourceAttentionOptions,
  ) {
    this.contextSize = options.heads > 1 ? options.hiddenSize : options.encoderSize;
  }

  specs(): ParameterSpec[] {
    const { score, encoderSize, hiddenSize: size, heads, coverage } = this.options;
    const kernel = (name: string, rows: number): ParameterSpec => ({
      name: `attention.${name}`,
      shape: [rows, size],
      initializer: glorot(rows, size),
    });
    const vector = (name: string): ParameterSpec => ({
      name: `attention.${name}`,
      shape: [size],
      initializer: uniform(Math.sqrt(3 / size)),
    });
    return [
      ...(score === 'dot' ? [] : [kernel('keyKernel', encoderSize)]),
      ...(this.projectsQueries ? [kernel('queryKernel', size)] : []),
      ...(score === 'concat' ? [vector('scoreVector')] : []),
      ...(heads > 1 ? [kernel('valueKernel', encoderSize)] : []),
      ...(score === 'scaled' ? [{ name: 'attention.scale', shape: [], initializer: constant(1) }] : []),
      ...(coverage ? [vector('coverageVector')] : []),
    ];
  }

  /**
   * Keys, values and mask; keys and values are projected once per sentence.
   *
   * @returns keys and values `[batch, srcTime, size]`, or with several heads `[batch, heads, srcTime, size]`, and mask
   *   `[batch, srcTime]`
   */
  memory({ outputs, mask }: EncodedSource, { multiply }: ForwardPass): Tensor[] {
    const { score, hiddenSize, heads } = this.options;
    const [batch, time, size] = outputs.shape;
    const projected = (kernel: string): Tensor3D => {
      const flat = tf.reshape(outputs, [batch * time, size]) as Tensor2D;
      return tf.reshape(multiply(flat, kernel), [batch, time, hiddenSize]) as Tensor3D;
    };
    if (score === 'dot') return [outputs, outputs, mask];
    const keys = projected('attention.keyKernel');
    if (heads === 1) return [keys, outputs, mask];
    return [splitHeads(keys, heads), splitHeads(projected('attention.valueKernel'), heads), mask];
  }

  /** Coverage before the first step: `[batch, heads, srcTime]`. */
  noCoverage({ mask }: EncodedSource): Tensor3D {
    const [batch, time] = mask.shape;
    return tf.zeros([batch, this.options.heads, time]);
  }

  /** The learned scalar of the score `scaled`. */
  get scale(): Scalar | undefined {
    return this.options.score === 'scaled' ? this.parameters().get<Scalar>('attention.scale') : undefined;
  }

  /**
   * @param queries `[batch, queries, hidden]`: decoder states of one sentence, over time or over the beam
   * @param memory as `memory` returns it
   * @param coverage `[batch * queries, heads, srcTime]`, with `options.coverage`
   */
  attend(
    queries: Tensor3D,
    memory: readonly Tensor[],
    pass: ForwardPass,
    coverage: Tensor3D | undefined,
  ): AttendedSource {
    const { heads, score } = this.options;
    const [batch, count] = queries.shape;
    const projected = this.projectsQueries ? this.projectQueries(queries, pass) : queries;
    const folded = heads === 1 ? projected : foldHeads(splitHeads(projected, heads));
    const [keys, values] = memory.slice(0, 2).map((tensor) => {
      return heads === 1 ? (tensor as Tensor3D) : foldHeads(tensor as Tensor4D);
    }) as [Tensor3D, Tensor3D];
    const mask = repeatForHeads(memory[2] as Tensor2D, heads);
    // Coverage has a row for each query, and attention a group of rows for each sentence.
    const earlier = coverage === undefined ? undefined : this.regroup(coverage, [batch, count]);
    const { context, weights } =
      score === 'concat'
        ? this.additive(folded, keys, values, mask, pass, earlier)
        : this.multiplicative(folded, keys, values, mask, pass);
    return {
      context: heads === 1 ? context : joinHeads(context, heads),
      weights: heads === 1 ? weights : tf.mean(tf.reshape(weights, [batch, heads, count, -1]), 1),
      coverage: coverage === undefined ? undefined : this.cover(coverage, weights, [batch, count]),
    };
  }

  /** @param stepwise whether attention is computed step by step, so that some gradients are freed earlier */
  cost({ sentences, sourceTime, targetTime }: BatchShape, stepwise: boolean): Cost {
    const { score, encoderSize: keys, hiddenSize: queries, heads, coverage } = this.options;
    const [sourceRows, targetRows, pairs] = [
      sentences * sourceTime,
      sentences * targetTime,
      sentences * sourceTime * targetTime,
    ];
    const products: MatrixProduct[] = [
      { name: 'attention.context', count: sentences, rows: targetTime, inner: sourceTime, columns: this.contextSize },
    ];
    const projection = (name: string, rows: number, inner: number): void =>
      void products.push({ name: `attention.${name}`, count: 1, rows, inner, columns: queries });
    if (score !== 'dot') projection('keys', sourceRows, keys);
    if (heads > 1) projection('values', sourceRows, keys);
    if (this.projectsQueries) projection('queries', targetRows, queries);
    products.push(
      score === 'concat'
        ? { name: 'attention.scores', count: 1, rows: pairs, inner: queries, columns: 1 }
        : { name: 'attention.scores', count: sentences, rows: targetTime, inner: queries, columns: sourceTime },
    );
    // Encoder outputs: gradients as keys and as values, and their sum; projected keys and values and their gradients,
    // with several heads twice, because splitting them copies.
    const ofSource = 2 * keys + (score === 'dot' ? 1 : 2) * queries + (heads > 1 ? 6 * queries : 0);
    // Splitting queries and joining contexts.
    const ofTarget = heads > 1 ? 8 * queries : 0;
    // Weights; with additive scores the sum of every query and key, its tanh, and their gradients; with coverage
    // another sum.
    const ofAdditive = 4 + ((stepwise ? 3 : 5) + (coverage ? 2 : 0)) * queries + (coverage ? 6 * heads : 0);
    const ofPair = (score === 'concat' ? ofAdditive : 1) + 4 * (heads - 1);
    return { products, values: sourceRows * ofSource + targetRows * ofTarget + pairs * ofPair };
  }

  private get projectsQueries(): boolean {
    return this.options.score === 'concat' || this.options.heads > 1;
  }

  private projectQueries(queries: Tensor3D, { multiply }: ForwardPass): Tensor3D {
    const [batch, count, size] = queries.shape;
    const flat = tf.reshape(queries, [batch * count, size]) as Tensor2D;
    return tf.reshape(multiply(flat, 'attention.queryKernel'), [batch, count, size]) as Tensor3D;
  }

  private additive(
    queries: Tensor3D,
    keys: Tensor3D,
    values: Tensor3D,
    mask: Tensor2D,
    { policy }: ForwardPass,
    earlier: Tensor3D | undefined,
  ): { context: Tensor3D; weights: Tensor3D } {
    const vector = (name: string): Tensor1D => this.parameters().get<Tensor1D>(`attention.${name}`);
    const coverage = earlier === undefined ? undefined : { sums: earlier, vector: vector('coverageVector') };
    return contextOf(additiveScores(queries, keys, vector('scoreVector'), coverage), values, mask, policy);
  }

  private multiplicative(
    queries: Tensor3D,
    keys: Tensor3D,
    values: Tensor3D,
    mask: Tensor2D,
    { policy }: ForwardPass,
  ): { context: Tensor3D; weights: Tensor3D } {
    const [groups, count] = queries.shape;
    const size = values.shape[2];
    const { concatenated, weights } = dotAttention(queries, keys, values, mask, policy, this.scale);
    return { context: tf.reshape(tf.slice(concatenated, [0, 0], [-1, size]), [groups, count, size]), weights };
  }

  /** `[batch * queries, heads, srcTime]` to `[batch * heads, queries, srcTime]`. */
  private regroup(coverage: Tensor3D, [batch, count]: readonly [number, number]): Tensor3D {
    const [, heads, time] = coverage.shape;
    if (count === 1) return tf.reshape(coverage, [batch * heads, 1, time]);
    return foldHeads(tf.transpose(tf.reshape(coverage, [batch, count, heads, time]) as Tensor4D, [0, 2, 1, 3]));
  }

  /** Adds weights `[batch * heads, queries, srcTime]` to the coverage. */
  private cover(coverage: Tensor3D, weights: Tensor3D, [batch, count]: readonly [number, number]): CoverageStep {
    const [rows, heads, time] = coverage.shape;
    const split = tf.reshape(weights, [batch, heads, count, time]) as Tensor4D;
    const ofRows = tf.reshape(count === 1 ? split : tf.transpose(split, [0, 2, 1, 3]), [rows, heads, time]) as Tensor3D;
    return {
      sums: tf.add(coverage, ofRows),
      overlap: tf.mean(tf.sum(tf.minimum<Tensor3D>(ofRows, coverage), 2), 1) as Tensor1D,
    };
  }
}
