import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf, type Precision } from '../tensorflow.js';
import { attribute, execute, type DATA_TYPE } from './execute.js';
import { opForm } from './form.js';

/** Which factors of a product are given transposed. */
export interface Transposed {
  readonly a?: boolean;
  readonly b?: boolean;
}

/**
 * A tensor rounded to the number format of products. In bfloat16 it may only be given to ops by name.
 *
 * @param tensor float32
 */
export function inPrecision<Result extends Tensor>(tensor: Result, precision: Precision): Result {
  return precision === 'float32' ? tensor : (cast(tensor, 'float32', precision) as Result);
}

/** The same tensor in float32. */
export function inFloat32<Result extends Tensor>(tensor: Result, precision: Precision): Result {
  return precision === 'float32' ? tensor : (cast(tensor, precision, 'float32') as Result);
}

/** Rows of a left factor that are not rounded. */
const FEW_ROWS = 64;

/**
 * How many rows a left factor gets that has so many: a multiple of a sixteenth of the power of two below. Batches have nearly
 * as many shapes as there are batches in an epoch, and for each shape of a product oneDNN compiles code that TensorFlow keeps:
 * in all, half a gigabyte in bfloat16. Behind our own products there is no such code, nor on a GPU.
 */
export function roundedRows(rows: number): number {
  const { kernels, customProducts } = opForm();
  if (rows < FEW_ROWS || kernels !== 'custom' || customProducts) return rows;
  const unit = 2 ** Math.floor(Math.log2(rows)) / 16;
  return Math.ceil(rows / unit) * unit;
}

/**
 * A left factor in the number format of products, with `roundedRows`: those added are zero, so that they change no sum over
 * rows. In bfloat16 it may only be given to ops by name.
 *
 * @param matrix float32 `[rows, columns]`
 * @returns `[roundedRows, columns]`
 */
export function rowsInPrecision(matrix: Tensor2D, precision: Precision): Tensor2D {
  const rows = roundedRows(matrix.shape[0]);
  if (rows === matrix.shape[0]) return inPrecision(matrix, precision);
  return execute('S2sMoreRows', [attribute.type('T', precision), attribute.int('rows', rows)], [matrix])[0] as Tensor2D;
}

/** The first rows of a product, those of the left factor before `rowsInPrecision`, in float32. */
export function exactRows(product: Tensor2D, rows: number, precision: Precision): Tensor2D {
  const exact = inFloat32(product, precision);
  // TensorFlow gives the first rows without a copy.
  return exact.shape[0] === rows ? exact : tf.slice(exact, 0, rows);
}

/**
 * A matrix product, without a gradient, of factors in a number format and with its result in the same. Sums are made in
 * float32.
 */
export function productOf(a: Tensor2D, b: Tensor2D, precision: Precision, transposed: Transposed = {}): Tensor2D {
  const attributes = [attribute.bool('transpose_a', transposed.a ?? false), attribute.bool('transpose_b', transposed.b ?? false)];
  if (multipliesByCustomOps(precision)) return execute('S2sMatMul', attributes, [a, b])[0] as Tensor2D;
  if (transposed.b === true && turnsFirst(a, b, precision, transposed.a ?? false)) {
    const turned = execute('S2sTranspose', [], [b])[0] as Tensor2D;
    const product = productOf(a, turned, precision, { ...transposed, b: false });
    turned.dispose();
    return product;
  }
  return execute('MatMul', [attribute.type('T', precision), ...attributes], [a, b])[0] as Tensor2D;
}

/** Rows of the left factor from which turning the right one pays. */
const MANY_ROWS = 512;

/**
 * Whether a right factor given as `[columns, inner]` is turned before the product: TensorFlow's float32 products lose a
 * quarter of their speed where it is deeper than wide (measured with 1,600 rows on Zen 5: 340 against 450 GFLOP/s).
 */
function turnsFirst(a: Tensor2D, b: Tensor2D, precision: Precision, transposeA: boolean): boolean {
  const [columns, inner] = b.shape;
  return precision === 'float32' && opForm().kernels === 'custom' && a.shape[transposeA ? 1 : 0] >= MANY_ROWS && columns <= inner;
}

/** Whether the ops of src/runtime/native/matmul_op.cc are faster than TensorFlow's own. */
function multipliesByCustomOps(precision: Precision): boolean {
  const { kernels, customProducts } = opForm();
  return precision === 'float32' && kernels === 'custom' && customProducts;
}

/** The same for many matrices at once, `[batch, rows, inner]` and `[batch, inner, columns]`. */
export function batchProductOf(a: Tensor3D, b: Tensor3D, precision: Precision, transposed: Transposed = {}): Tensor3D {
  if (multipliesByCustomOps(precision)) {
    const attributes = [attribute.bool('transpose_a', transposed.a ?? false), attribute.bool('transpose_b', transposed.b ?? false)];
    return execute('S2sBatchMatMul', attributes, [a, b])[0] as Tensor3D;
  }
  const attributes = [attribute.type('T', precision), attribute.bool('adj_x', transposed.a ?? false), attribute.bool('adj_y', transposed.b ?? false)];
  return execute('BatchMatMulV2', attributes, [a, b])[0] as Tensor3D;
}

/** TensorFlow's Cast, without a gradient; it knows the number formats that tfjs does not. */
export function cast(tensor: Tensor, from: keyof typeof DATA_TYPE, to: keyof typeof DATA_TYPE): Tensor {
  return execute('Cast', [attribute.type('SrcT', from), attribute.type('DstT', to), attribute.bool('Truncate', false)], [tensor])[0]!;
}
