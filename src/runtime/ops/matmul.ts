import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tensorflow.js';
import { attribute, execute } from './execute.js';
import { opForm, type OpForm } from './form.js';
import { withGradient } from './gradient.js';

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
 * In bfloat16 both factors are rounded and the products summed in float32, in the gradients too; the result is float32.
 *
 * @param a `[rows, inner]`
 * @param b `[inner, columns]`, or `[columns, inner]` with `transposeB`
 * @returns `[rows, columns]`
 */
export function matMul(a: Tensor2D, b: Tensor2D, { transposeB = false, bias }: MatMulOptions = {}): Tensor2D {
  const form = opForm();
  if (!form.customOps && form.precision === 'float32') {
    const product = tf.matMul<Tensor2D>(a, b, false, transposeB);
    return bias === undefined ? product : tf.add(product, bias);
  }
  return withGradient<Tensor2D>(
    bias === undefined ? [a, b] : [a, b, bias],
    (save) => {
      save([a, b]);
      return multiply(a, b, false, transposeB, form, bias);
    },
    (gradient, saved) => {
      const [left, right] = saved as [Tensor2D, Tensor2D];
      const ofA = multiply(gradient, right, false, !transposeB, form);
      const ofB = transposeB ? multiply(gradient, left, true, false, form) : multiply(left, gradient, true, false, form);
      return bias === undefined ? [ofA, ofB] : [ofA, ofB, tf.sum(gradient, 0)];
    },
  );
}

/** One product without a gradient. */
function multiply(a: Tensor2D, b: Tensor2D, transposeA: boolean, transposeB: boolean, form: OpForm, bias?: Tensor1D): Tensor2D {
  const half = form.precision === 'bfloat16';
  if (form.customOps) {
    const attributes = [attribute.bool('transpose_a', transposeA), attribute.bool('transpose_b', transposeB), attribute.bool('bfloat16', half)];
    return execute('S2sMatMul', attributes, [a, b, bias ?? tf.zeros([0])])[0] as Tensor2D;
  }
  const [left, right] = half ? [cast(a, 'float32', 'bfloat16'), cast(b, 'float32', 'bfloat16')] : [a, b];
  const attributes = [attribute.type('T', half ? 'bfloat16' : 'float32'), attribute.bool('transpose_a', transposeA), attribute.bool('transpose_b', transposeB)];
  const [multiplied] = execute('MatMul', attributes, [left, right]);
  const result = half ? cast(multiplied!, 'bfloat16', 'float32') : multiplied!;
  return (bias === undefined ? result : tf.add(result, bias)) as Tensor2D;
}

/** TensorFlow's Cast, which knows the number formats that tfjs does not. */
function cast(tensor: Tensor, from: 'float32' | 'bfloat16', to: 'float32' | 'bfloat16'): Tensor {
  return execute('Cast', [attribute.type('SrcT', from), attribute.type('DstT', to), attribute.bool('Truncate', false)], [tensor])[0]!;
}
