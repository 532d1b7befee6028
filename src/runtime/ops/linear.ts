import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { activate, type Activation } from './activation.js';
import { attribute, execute, noTensor } from './execute.js';
import { withGradient } from './gradient.js';
import { matMul } from './matmul.js';
import { paddedRows } from './product.js';

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
 * `linear` with the custom ops S2sLinear and S2sLinearGrad (src/runtime/native/linear_op.cc, linear_grad_op.cc). Sums
 * stay in float32, so that bfloat16 rounds less often than with `matMul`.
 */
function customLinear(
  input: Tensor2D,
  kernel: Tensor2D,
  policy: ComputePolicy,
  { bias, activation }: LinearOptions,
): Tensor2D {
  const { precision } = policy;
  const attributes = [attribute.type('T', precision), attribute.string('activation', activation ?? 'none')];
  return withGradient<Tensor2D>(
    bias === undefined ? [input, kernel] : [input, kernel, bias],
    (save) => {
      const inputs = [input, kernel, bias ?? noTensor('float32')];
      const [output, preactivation, rounded] = execute('S2sLinear', attributes, inputs, 3);
      const left = precision === 'float32' ? input : rounded!;
      const activated = preactivation!.size > 0 ? preactivation! : output!;
      save(activation === undefined ? [left, kernel] : [left, kernel, activated]);
      return output as Tensor2D;
    },
    (gradient, [left, right, activated]) => {
      const rows = attribute.int('padded_rows', paddedRows(input.shape[0], policy));
      const inputs = [gradient, left!, right!, activated ?? noTensor('float32')];
      const gradients = execute('S2sLinearGrad', [...attributes, rows], inputs, 3);
      return bias === undefined ? gradients.slice(0, 2) : gradients;
    },
  );
}
