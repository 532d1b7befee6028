/** Matrix products of one kind in a forward pass: `count` times `[rows, inner]` by `[inner, columns]`. */
export interface MatrixProduct {
  readonly name: string;
  readonly count: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/** What a part of a model computes, and how much memory it takes, in a training step on one batch. */
export interface Cost {
  /** Matrix products of the forward pass. */
  readonly products: readonly MatrixProduct[];
  /**
   * Number of float32 values that exist at the end of the backward pass: values of the forward pass and the gradients with
   * respect to them, none of which tfjs frees earlier. Temporary values within one op are left out.
   */
  readonly values: number;
}

/** The costs of several parts together. */
export function totalCost(costs: readonly Cost[]): Cost {
  return {
    products: costs.flatMap(({ products }) => products),
    values: costs.reduce((sum, { values }) => sum + values, 0),
  };
}

/**
 * Floating-point operations of the matrix products of one training step.
 *
 * A product of `[m, k]` and `[k, n]` counts `2 m k n`: one multiplication and one addition per term. The backward pass has
 * two products of that size for every one of the forward pass, one per factor, so a step counts three forward passes.
 * Activations, softmax, dropout, clipping and the optimiser are not counted.
 */
export function trainingFlops({ products }: Pick<Cost, 'products'>): number {
  return 3 * products.reduce((sum, { count, rows, inner, columns }) => sum + count * 2 * rows * inner * columns, 0);
}

/**
 * Estimated bytes of memory of one training step on a batch, besides weights, their gradients and optimiser state.
 *
 * Compared with the growth of the resident memory in one step on a CPU, over 7 models and 5 shapes from 75 MB to 5.5 GB, it
 * was 0.86 to 1.06 of what was measured (test/unit/model/memory.test.ts repeats a part of this). In bfloat16 the logits take
 * half as much, and the estimate was up to 1.23 of what was measured.
 */
export function trainingBytes({ values }: Pick<Cost, 'values'>): number {
  return 4 * values;
}
