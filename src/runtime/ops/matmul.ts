import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tensorflow.js';
import { opForm } from './form.js';
import { withGradient } from './gradient.js';
import { batchProductOf, exactRows, inFloat32, inPrecision, productOf, rowsInPrecision } from './product.js';

/** Options of a matrix product. */
export interface MatMulOptions {
  /** Whether `b` is given as `[columns, inner]`. */
  readonly transposeB?: boolean;
  /** `[columns]`, added to every row. */
  readonly bias?: Tensor1D;
}

/**
 * Matrix product `a b`, or `a bᵀ`, plus a bias: the large products of a model, in the precision of the run.
 *
 * In bfloat16 both factors are rounded and the products summed in float32, in the gradients too; the result, rounded once
 * more, is given in float32.
 *
 * @param a `[rows, inner]`
 * @param b `[inner, columns]`, or `[columns, inner]` with `transposeB`
 * @returns `[rows, columns]`
 */
export function matMul(a: Tensor2D, b: Tensor2D, { transposeB = false, bias }: MatMulOptions = {}): Tensor2D {
  const { kernels, precision } = opForm();
  if (kernels === 'plain' && precision === 'float32') {
    const product = tf.matMul<Tensor2D>(a, b, false, transposeB);
    return bias === undefined ? product : tf.add(product, bias);
  }
  const [rows] = a.shape;
  return withGradient<Tensor2D>(
    bias === undefined ? [a, b] : [a, b, bias],
    (save) => {
      const left = rowsInPrecision(a, precision);
      const right = inPrecision(b, precision);
      save([left, right]);
      const product = exactRows(productOf(left, right, precision, { b: transposeB }), rows, precision);
      return bias === undefined ? product : tf.add(product, bias);
    },
    (gradient, saved) => {
      const [left, right] = saved as [Tensor2D, Tensor2D];
      const rounded = rowsInPrecision(gradient, precision);
      const ofA = productOf(rounded, right, precision, { b: !transposeB });
      const ofB = transposeB ? productOf(rounded, left, precision, { a: true }) : productOf(left, rounded, precision, { a: true });
      const ofFactors = [exactRows(ofA, rows, precision), inFloat32(ofB, precision)];
      return bias === undefined ? ofFactors : [...ofFactors, tf.sum(gradient, 0)];
    },
  );
}

/**
 * Products of many matrices at once, in the precision of the run: `a b`, or `a bᵀ`, for each of a batch.
 *
 * @param a `[batch, rows, inner]`
 * @param b `[batch, inner, columns]`, or `[batch, columns, inner]` with `transposeB`
 * @returns `[batch, rows, columns]`
 */
export function batchMatMul(a: Tensor3D, b: Tensor3D, { transposeB = false }: Pick<MatMulOptions, 'transposeB'> = {}): Tensor3D {
  const { kernels, precision } = opForm();
  if (kernels === 'plain' && precision === 'float32') return tf.matMul<Tensor3D>(a, b, false, transposeB);
  return withGradient<Tensor3D>(
    [a, b],
    (save) => {
      const left = inPrecision(a, precision);
      const right = inPrecision(b, precision);
      save([left, right]);
      return inFloat32(batchProductOf(left, right, precision, { b: transposeB }), precision);
    },
    (gradient, saved) => {
      const [left, right] = saved as [Tensor3D, Tensor3D];
      const rounded = inPrecision(gradient, precision);
      const ofA = batchProductOf(rounded, right, precision, { b: !transposeB });
      const ofB = transposeB ? batchProductOf(rounded, left, precision, { a: true }) : batchProductOf(left, rounded, precision, { a: true });
      return [inFloat32(ofA, precision), inFloat32(ofB, precision)];
    },
  );
}
