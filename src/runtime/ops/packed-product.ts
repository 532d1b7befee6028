import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { activate } from './activation.js';
import { attribute, execute, noTensor } from './execute.js';
import type { LinearOptions } from './linear.js';
import { matMul } from './matmul.js';

/** The right factor of many products, in the fastest layout for them. The owner disposes it. */
export interface PackedKernel {
  /** Opaque: the matrix itself, or the output of S2sPack. */
  readonly tensor: Tensor;
  readonly columns: number;
  readonly policy: ComputePolicy;
  readonly layout: 'rows' | 'transposed' | 'packed';
}

/**
 * Packs a matrix for repeated products with few rows, as in decoding, where changing its layout would take as long as
 * the product itself.
 *
 * @param kernel `[inner, columns]`, or `[columns, inner]` with `transposed`
 */
export function packKernel(kernel: Tensor2D, policy: ComputePolicy, transposed = false): PackedKernel {
  const columns = kernel.shape[transposed ? 0 : 1];
  if (policy.kernels !== 'custom')
    return { tensor: tf.clone(kernel), columns, policy, layout: transposed ? 'transposed' : 'rows' };
  // src/runtime/native/packed_matmul_op.cc
  const attributes = [
    attribute.bool('transposed', transposed),
    attribute.bool('low_precision', policy.precision !== 'float32'),
  ];
  return { tensor: execute('S2sPack', attributes, [kernel])[0]!, columns, policy, layout: 'packed' };
}

/**
 * `activation(input kernel + bias)`. Differentiable only if the layout of the kernel is not `packed`.
 *
 * @param input `[rows, inner]`
 * @returns `[rows, columns]`
 */
export function packedProduct(
  input: Tensor2D,
  kernel: PackedKernel,
  { bias, activation }: LinearOptions = {},
): Tensor2D {
  const { tensor, columns, policy, layout } = kernel;
  if (layout !== 'packed') {
    const product = matMul(input, tensor as Tensor2D, policy, { transposeB: layout === 'transposed', bias });
    return activation === undefined ? product : activate(product, activation);
  }
  const attributes = [
    attribute.int('columns', columns),
    attribute.bool('low_precision', policy.precision !== 'float32'),
    attribute.string('activation', activation ?? 'none'),
  ];
  return execute('S2sPackedMatMul', attributes, [input, tensor, bias ?? noTensor('float32')])[0] as Tensor2D;
}
