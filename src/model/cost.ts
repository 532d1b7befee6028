/** Matrix products of one kind in a forward pass: `count` times `[rows, inner]` by `[inner, columns]`. */
export interface MatrixProduct {
  readonly name: string;
  readonly count: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/** Computation and memory of one part of a model in a training step on one batch. */
export interface Cost {
  /** Matrix products of the forward pass. */
  readonly products: readonly MatrixProduct[];
  /**
   * Number of float32 values that are alive at the end of the backward pass: activations and their gradients, none of
   * which tfjs frees earlier. Temporary values within one op are not counted.
   */
  readonly values: number;
}

/** The sum of the costs of several parts. */
export function totalCost(costs: readonly Cost[]): Cost {
  return {
    products: costs.flatMap(({ products }) => products),
    values: costs.reduce((sum, { values }) => sum + values, 0),
  };
}

/**
 * Floating-point operations of the matrix products of one training step.
 *
 * A product of `[m, k]` and `[k, n]` counts `2 m k n`: one multiplication and one addition per term. The backward pass
 * has two products of that size for every one of the forward pass, one per factor, so a step counts three forward
 * passes. Activations, softmax, dropout, clipping and the optimiser are not counted.
 */
export function trainingFlops({ products }: Pick<Cost, 'products'>): number {
  return 3 * products.reduce((sum, { count, rows, inner, columns }) => sum + count * 2 * rows * inner * columns, 0);
}

/**
 * Estimated memory in bytes of one training step on a batch, without weights, their gradients and optimiser state.
 *
 * For 7 models and 5 shapes from 75 MB to 5.5 GB on a CPU, the estimate was 0.86 to 1.06 times the measured growth of
 * resident memory in one step (test/unit/model/memory.test.ts repeats a part of this). In bfloat16 the logits take half
 * the memory, and the estimate was up to 1.23 times the measurement.
 */
export function trainingBytes({ values }: Pick<Cost, 'values'>): number {
  return 4 * values;
}
