import type { Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { totalCost, type Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import type { ParameterSpec, Parameters } from '../parameters.js';
import { Normalization, type NormalizationKind } from './normalization.js';

/** A sublayer: `[rows, size]` to the same shape. */
export type Sublayer = (input: Tensor2D) => Tensor2D;

export interface ResidualStackOptions {
  /** Prefix of the names of the parameters: `encoder`. */
  readonly name: string;
  readonly layers: number;
  /** Names of the sublayers of each layer. */
  readonly sublayers: readonly string[];
  readonly size: number;
  /** Whether the input of each sublayer (`pre`) or its sum with the residual (`post`) is normalised. */
  readonly normPosition: 'pre' | 'post';
  readonly normalization: NormalizationKind;
  /** Dropout on the output of each sublayer. */
  readonly dropout: number;
  /** Probability that training skips a layer (Fan et al. 2020). */
  readonly layerDrop: number;
}

/**
 * The residual connections of a Transformer. With `post`, as in Vaswani et al. (2017), each sublayer computes
 * `x <- norm(x + f(x))`; with `pre` (Wang et al. 2019), `x <- x + f(norm(x))`, and the last sum is normalised.
 *
 * Parameters: `NAME.layers.N.SUBLAYER.norm.*` and, with `pre`, `NAME.norm.*`.
 */
export class ResidualStack {
  private readonly norms: readonly (readonly Normalization[])[];
  private readonly finalNorm: Normalization | undefined;

  constructor(
    parameters: () => Parameters,
    private readonly options: ResidualStackOptions,
  ) {
    const { name, layers, sublayers, size, normalization: kind } = options;
    const norm = (prefix: string): Normalization => new Normalization(parameters, { name: prefix, size, kind });
    this.norms = Array.from({ length: layers }, (_, layer) =>
      sublayers.map((sublayer) => norm(`${name}.layers.${layer}.${sublayer}.norm`)),
    );
    this.finalNorm = options.normPosition === 'pre' ? norm(`${name}.norm`) : undefined;
  }

  specs(): ParameterSpec[] {
    return [...this.norms.flat(), ...(this.finalNorm === undefined ? [] : [this.finalNorm])].flatMap((norm) =>
      norm.specs(),
    );
  }

  /**
   * @param input `[rows, size]`
   * @param layers the sublayers of each layer, in the order of their names
   * @returns `[rows, size]`
   */
  run(input: Tensor2D, layers: readonly (readonly Sublayer[])[], pass: ForwardPass): Tensor2D {
    const { dropout, layerDrop } = this.options;
    const kept = layers.flatMap((sublayers, layer) =>
      pass.dropsLayer(layerDrop)
        ? []
        : sublayers.map((sublayer, which) => ({ sublayer, norm: this.norms[layer]![which]! })),
    );
    const { finalNorm } = this;
    if (finalNorm === undefined) {
      return kept.reduce(
        (residual, { sublayer, norm }) => norm.normalized(sublayer(residual), { residual, dropout }, pass),
        input,
      );
    }
    const [first, ...others] = kept;
    if (first === undefined) return finalNorm.normalized(input, {}, pass);
    let { sum: residual, normalized } = first.norm.apply(input, {}, pass);
    let output = first.sublayer(normalized);
    for (const { sublayer, norm } of others) {
      // The output of a sublayer is added and normalised for the next one at once.
      ({ sum: residual, normalized } = norm.apply(output, { residual, dropout }, pass));
      output = sublayer(normalized);
    }
    return finalNorm.normalized(output, { residual, dropout }, pass);
  }

  cost(rows: number): Cost {
    const { layers, sublayers, size, dropout } = this.options;
    // The sum, the normalised sum and the gradient of the sum; with dropout, also the gradient of its input.
    const values = rows * size * (dropout > 0 ? 4 : 3);
    return totalCost(Array.from({ length: layers * sublayers.length }, () => ({ products: [], values })));
  }
}
