import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { activate, type Activation } from './activation.js';
import { attribute, execute } from './execute.js';
import { withGradient } from './gradient.js';
import { matMul } from './matmul.js';
import { inFloat32, paddedRows, padRowsInPrecision, productOf } from './product.js';

/** What follows the product of a linear layer. */
export interface LinearOptions {
  /** `[columns]`, added to every row. */
  readonly bias?: Tensor1D | undefined;
  /** Applied to the sum. */
  readonly activation?: Activation | undefined;
}

/**
 * A linear layer: `activation(input kernel + bias)`, in the precision of the policy like `matMul`. On a CPU, bias and
 * activation are computed in the same pass as the product.
 *
 * @param input `[rows, inner]`
 * @param kernel `[inner, columns]`
 * @returns `[rows, columns]`
 */
export function linear(
  input: Tensor2D,
  kernel: Tensor2D,
  policy: ComputePolicy,
  { bias, activation }: LinearOptions = {},
): Tensor2D {
  if (isFused(input, policy, { bias, activation })) return customLinear(input, kernel, policy, { bias, activation });
  const product = matMul(input, kernel, policy, { bias });
  return activation === undefined ? product : activate(product, activation);
}

/**
 * Whether one op computes the layer. A product alone gains little. The LSTM models, whose products are followed by
 * nothing or by a hyperbolic tangent, keep the bits of earlier versions.
 */
function isFused(input: Tensor2D, { kernels }: ComputePolicy, { bias, activation }: LinearOptions): boolean {
  const isFollowed = bias !== undefined || activation !== undefined;
  return kernels === 'custom' && isFollowed && activation !== 'tanh' && input.shape[0] > 0;
}

/**
 * `linear` with the custom ops S2sLinear and S2sActivationGrad (src/runtime/native/linear_op.cc, activation_op.cc). Sums
 * stay in float32 until the activation, so that bfloat16 rounds once less than with `matMul`.
 */
function customLinear(
  input: Tensor2D,
  kernel: Tensor2D,
  policy: ComputePolicy,
  { bias, activation }: LinearOptions,
): Tensor2D {
  const { precision } = policy;
  const [rows] = input.shape;
  const type = attribute.type('T', precision);
  const name = attribute.string('activation', activation ?? 'none');
  return withGradient<Tensor2D>(
    bias === undefined ? [input, kernel] : [input, kernel, bias],
    (save) => {
      // Rounded once for the product here and the one in the gradient.
      const left = padRowsInPrecision(input, policy);
      const attributes = [attribute.type('Tin', precision), type, attribute.int('rows', rows), name];
      const empty = tf.zeros([0]);
      const [output, preactivation] = execute('S2sLinear', attributes, [left, kernel, bias ?? empty], 2);
      const saved = activation === undefined ? empty : preactivation!.size > 0 ? preactivation! : output!;
      save([left, kernel, saved]);
      return output as Tensor2D;
    },
    (gradient, [left, right, saved]) => {
      const padded = paddedRows(rows, policy);
      // Without activation and rounding, the gradient of the sum is that of the output, without a copy.
      const isCopy = activation === undefined && precision === 'float32' && padded === rows;
      const [sumGradient, dBias] = execute(
        'S2sActivationGrad',
        [type, attribute.int('rows', padded), name, attribute.bool('bias_only', isCopy)],
        [gradient, saved!],
        2,
      );
      const dSum = isCopy ? gradient : sumGradient;
      const [dInput] = execute(
        'S2sLinear',
        [attribute.type('Tin', precision), type, attribute.int('rows', rows), attribute.bool('transposed', true)],
        [dSum!, right!, tf.zeros([0])],
        2,
      );
      const dKernel = productOf(left as Tensor2D, dSum as Tensor2D, policy, { a: true });
      const dFactors = [dInput!, inFloat32(dKernel, precision)];
      return bias === undefined ? dFactors : [...dFactors, dBias!];
    },
  );
}
