import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { withGradient } from './gradient.js';
import { batchProductOf, inFloat32, inPrecision, padRowsInPrecision, productOf, withoutPadRows } from './product.js';

/** Options of a matrix product. */
export interface MatMulOptions {
  /** Whether `b` is stored transposed. */
  readonly transposeB?: boolean;
  /** `[columns]`, added to every row. */
  readonly bias?: Tensor1D | undefined;
}

/**
 * Matrix product `a b` (or `a bᵀ`) plus a bias, with a gradient, in the precision of the policy.
 *
 * In 16 bits both factors are rounded, here and in the gradients; sums are accumulated in float32, and the result,
 * rounded once more, is returned as float32.
 *
 * @param a `[rows, inner]`
 * @param b `[inner, columns]`, or `[columns, inner]` with `transposeB`
 * @returns `[rows, columns]`
 */
export function matMul(
  a: Tensor2D,
  b: Tensor2D,
  policy: ComputePolicy,
  { transposeB = false, bias }: MatMulOptions = {},
): Tensor2D {
  const { kernels, precision } = policy;
  if (kernels === 'plain' && precision === 'float32') {
    const product = tf.matMul<Tensor2D>(a, b, false, transposeB);
    return bias === undefined ? product : tf.add(product, bias);
  }
  const [rows] = a.shape;
  return withGradient<Tensor2D>(
    bias === undefined ? [a, b] : [a, b, bias],
    (save) => {
      const left = padRowsInPrecision(a, policy);
      const right = inPrecision(b, precision);
      save([left, right]);
      const product = withoutPadRows(productOf(left, right, policy, { b: transposeB }), rows, precision);
      return bias === undefined ? product : tf.add(product, bias);
    },
    (gradient, saved) => {
      const [left, right] = saved as [Tensor2D, Tensor2D];
      const dProduct = padRowsInPrecision(gradient, policy);
      const dA = productOf(dProduct, right, policy, { b: !transposeB });
      const dB = transposeB
        ? productOf(dProduct, left, policy, { a: true })
        : productOf(left, dProduct, policy, { a: true });
      const dFactors = [withoutPadRows(dA, rows, precision), inFloat32(dB, precision)];
      return bias === undefined ? dFactors : [...dFactors, tf.sum(gradient, 0)];
    },
  );
}

/**
 * Batch of matrix products `a b` (or `a bᵀ`) with a gradient, in the precision of the policy.
 *
 * @param a `[batch, rows, inner]`
 * @param b `[batch, inner, columns]`, or `[batch, columns, inner]` with `transposeB`
 * @returns `[batch, rows, columns]`
 */
export function batchMatMul(
  a: Tensor3D,
  b: Tensor3D,
  policy: ComputePolicy,
  { transposeB = false }: Pick<MatMulOptions, 'transposeB'> = {},
): Tensor3D {
  const { kernels, precision } = policy;
  if (kernels === 'plain' && precision === 'float32') return tf.matMul<Tensor3D>(a, b, false, transposeB);
  return withGradient<Tensor3D>(
    [a, b],
    (save) => {
      const left = inPrecision(a, precision);
      const right = inPrecision(b, precision);
      save([left, right]);
      return inFloat32(batchProductOf(left, right, policy, { b: transposeB }), precision);
    },
    (gradient, saved) => {
      const [left, right] = saved as [Tensor3D, Tensor3D];
      const dProduct = inPrecision(gradient, precision);
      const dA = batchProductOf(dProduct, right, policy, { b: !transposeB });
      const dB = transposeB
        ? batchProductOf(dProduct, left, policy, { a: true })
        : batchProductOf(left, dProduct, policy, { a: true });
      return [inFloat32(dA, precision), inFloat32(dB, precision)];
    },
  );
}
