import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { tf, type Precision } from '../tensorflow.js';
import { attribute, execute } from './execute.js';
import { opForm } from './form.js';
import { matMul } from './matmul.js';

/** The right factor of many products, in the layout that multiplies fastest; the owner disposes it. */
export interface PackedKernel {
  /** Says nothing by itself: a matrix, or what S2sPack makes of it. */
  readonly tensor: Tensor;
  readonly columns: number;
  /** What it multiplies in. */
  readonly precision: Precision;
  readonly layout: 'rows' | 'transposed' | 'packed';
}

/**
 * Prepares a matrix for products that are made again and again with few rows, as in decoding, where changing its layout
 * would cost as much as the product.
 *
 * @param kernel `[inner, columns]`, or `[columns, inner]` with `transposed`
 */
export function packKernel(kernel: Tensor2D, transposed = false): PackedKernel {
  const columns = kernel.shape[transposed ? 0 : 1];
  const { kernels, precision } = opForm();
  if (kernels !== 'custom') return { tensor: tf.clone(kernel), columns, precision, layout: transposed ? 'transposed' : 'rows' };
  // src/runtime/native/packed_product_op.cc
  const attributes = [attribute.bool('transposed', transposed), attribute.bool('low_precision', precision !== 'float32')];
  return { tensor: execute('S2sPack', attributes, [kernel])[0]!, columns, precision, layout: 'packed' };
}

/**
 * `input kernel + bias`, or the hyperbolic tangent of it, without a gradient where the kernel has been packed.
 *
 * @param input `[rows, inner]`
 * @param options.bias `[columns]`
 * @returns `[rows, columns]`
 */
export function packedProduct(input: Tensor2D, kernel: PackedKernel, { bias, tanh = false }: { bias?: Tensor1D | undefined; tanh?: boolean | undefined } = {}): Tensor2D {
  const { tensor, columns, precision, layout } = kernel;
  if (layout !== 'packed') {
    const product = matMul(input, tensor as Tensor2D, { transposeB: layout === 'transposed', bias });
    return tanh ? tf.tanh(product) : product;
  }
  const attributes = [attribute.int('columns', columns), attribute.bool('low_precision', precision !== 'float32'), attribute.bool('tanh', tanh)];
  return execute('S2sPackedMatMul', attributes, [input, tensor, bias ?? tf.zeros([0])])[0] as Tensor2D;
}
