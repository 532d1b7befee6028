import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy, Precision } from '../policy.js';
import { tf } from '../tf.js';
import { attribute, execute, type DATA_TYPE } from './execute.js';

/*
 * Matrix products without a gradient, and the one place that decides which kernel computes them:
 *
 * | kernel     | when                                          | why                                               |
 * | ---------- | --------------------------------------------- | ------------------------------------------------- |
 * | custom     | float32, custom ops, no packed layout in      | oneDNN's float32 product is slower there (AVX2:   |
 * |            | oneDNN for this processor (`customProducts`)  | 100 against 125 GFLOP/s)                          |
 * | transposed | float32, custom ops, `a bᵀ` with many rows    | TensorFlow loses a quarter of its speed when the  |
 * |            | and a `b` with no more rows than columns      | right factor is transposed and deeper than wide   |
 * | tensorflow | everything else                               | oneDNN on a CPU, cuBLAS on a GPU                  |
 */
type ProductKernel = 'custom' | 'transposed' | 'tensorflow';

/** Which factors of a product are stored transposed. */
export interface Transposed {
  readonly a?: boolean;
  readonly b?: boolean;
}

/** Rows of the left factor from which an explicit transpose of the right one pays off (measured on Zen 5). */
const MANY_ROWS = 512;

function productKernel(
  a: Tensor2D,
  b: Tensor2D,
  policy: ComputePolicy,
  { a: transposeA = false, b: transposeB = false }: Transposed,
): ProductKernel {
  if (usesCustomProducts(policy)) return 'custom';
  const rows = a.shape[transposeA ? 1 : 0];
  const [columns, inner] = b.shape;
  const pays = policy.precision === 'float32' && policy.kernels === 'custom' && rows >= MANY_ROWS && columns <= inner;
  return transposeB && pays ? 'transposed' : 'tensorflow';
}

/** Whether products run in src/runtime/native/matmul_op.cc. */
function usesCustomProducts({ kernels, precision, customProducts }: ComputePolicy): boolean {
  return precision === 'float32' && kernels === 'custom' && customProducts;
}

/**
 * Matrix product of factors in the policy's precision; the result has the same dtype. Sums are accumulated in float32.
 *
 * @param a `[rows, inner]`, or `[inner, rows]` with `transposed.a`
 * @param b `[inner, columns]`, or `[columns, inner]` with `transposed.b`
 * @returns `[rows, columns]`
 */
export function productOf(a: Tensor2D, b: Tensor2D, policy: ComputePolicy, transposed: Transposed = {}): Tensor2D {
  const kernel = productKernel(a, b, policy, transposed);
  if (kernel === 'transposed') {
    const untransposed = execute('S2sTranspose', [], [b])[0] as Tensor2D;
    const product = productOf(a, untransposed, policy, { ...transposed, b: false });
    untransposed.dispose();
    return product;
  }
  const attributes = [
    attribute.bool('transpose_a', transposed.a ?? false),
    attribute.bool('transpose_b', transposed.b ?? false),
  ];
  if (kernel === 'custom') return execute('S2sMatMul', attributes, [a, b])[0] as Tensor2D;
  return execute('MatMul', [attribute.type('T', policy.precision), ...attributes], [a, b])[0] as Tensor2D;
}

/** `productOf` for a batch of matrices: `[batch, rows, inner]` times `[batch, inner, columns]`. */
export function batchProductOf(a: Tensor3D, b: Tensor3D, policy: ComputePolicy, transposed: Transposed = {}): Tensor3D {
  if (usesCustomProducts(policy)) {
    const attributes = [
      attribute.bool('transpose_a', transposed.a ?? false),
      attribute.bool('transpose_b', transposed.b ?? false),
    ];
    return execute('S2sBatchMatMul', attributes, [a, b])[0] as Tensor3D;
  }
  const attributes = [
    attribute.type('T', policy.precision),
    attribute.bool('adj_x', transposed.a ?? false),
    attribute.bool('adj_y', transposed.b ?? false),
  ];
  return execute('BatchMatMulV2', attributes, [a, b])[0] as Tensor3D;
}

/**
 * A float32 tensor cast to the dtype of matrix products. tfjs has no 16-bit dtypes, so a 16-bit result may only be
 * passed to `execute`.
 */
export function inPrecision<Result extends Tensor>(tensor: Result, precision: Precision): Result {
  return precision === 'float32' ? tensor : (cast(tensor, 'float32', precision) as Result);
}

/** The inverse of `inPrecision`: the same tensor in float32. */
export function inFloat32<Result extends Tensor>(tensor: Result, precision: Precision): Result {
  return precision === 'float32' ? tensor : (cast(tensor, precision, 'float32') as Result);
}

/** Left factors with fewer rows are not padded. */
const FEW_ROWS = 64;

/**
 * Number of rows to which a left factor is padded: a multiple of a sixteenth of the largest power of two that fits.
 * Batches have nearly as many shapes as there are batches in an epoch, and oneDNN compiles code for each shape, which
 * TensorFlow keeps: half a gigabyte in bfloat16 without this rounding. Neither custom products nor GPUs need it.
 */
export function paddedRows(rows: number, { kernels, customProducts }: ComputePolicy): number {
  if (rows < FEW_ROWS || kernels !== 'custom' || customProducts) return rows;
  const unit = 2 ** Math.floor(Math.log2(rows)) / 16;
  return Math.ceil(rows / unit) * unit;
}

/**
 * A left factor in the dtype of products, padded with zero rows to `paddedRows`; zero rows change no sum over rows.
 *
 * @param matrix float32 `[rows, columns]`
 * @returns `[paddedRows, columns]`
 */
export function padRowsInPrecision(matrix: Tensor2D, policy: ComputePolicy): Tensor2D {
  const rows = paddedRows(matrix.shape[0], policy);
  if (rows === matrix.shape[0]) return inPrecision(matrix, policy.precision);
  return execute(
    'S2sPadRows',
    [attribute.type('T', policy.precision), attribute.int('rows', rows)],
    [matrix],
  )[0] as Tensor2D;
}

/** A product in float32 without the rows that `padRowsInPrecision` added. */
export function withoutPadRows(product: Tensor2D, rows: number, precision: Precision): Tensor2D {
  const exact = inFloat32(product, precision);
  // TensorFlow slices leading rows without a copy.
  return exact.shape[0] === rows ? exact : tf.slice(exact, 0, rows);
}

/** TensorFlow's Cast, without a gradient; it supports dtypes that tfjs does not. */
export function cast(tensor: Tensor, from: keyof typeof DATA_TYPE, to: keyof typeof DATA_TYPE): Tensor {
  return execute(
    'Cast',
    [attribute.type('SrcT', from), attribute.type('DstT', to), attribute.bool('Truncate', false)],
    [tensor],
  )[0]!;
}
