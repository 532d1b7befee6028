import type { Rank, Tensor, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';
import { withGradient } from './gradient.js';

/**
 * Activation functions: rectified linear units; `gelu`, x Φ(x) with the exact normal distribution function Φ (Hendrycks
 * and Gimpel 2016); `swish`, x sigmoid(x), also called SiLU (Ramachandran et al. 2017); the hyperbolic tangent.
 */
export type Activation = 'relu' | 'gelu' | 'swish' | 'tanh';

/** Applies an activation to each element. */
export function activate<Shape extends Rank>(input: Tensor<Shape>, activation: Activation): Tensor<Shape> {
  switch (activation) {
    case 'relu':
      return tf.relu(input);
    case 'gelu':
      return tf.mul(tf.mul(input, 0.5), tf.add(tf.erf(tf.mul(input, Math.SQRT1_2)), 1));
    case 'swish':
      return tf.mul(input, tf.sigmoid(input));
    case 'tanh':
      return tf.tanh(input);
  }
}

/**
 * Gated activation: `activation(left) * right` for the two halves of the columns. With `swish` it is SwiGLU, with `gelu`
 * GEGLU (Shazeer 2020).
 *
 * @param input `[rows, 2 * size]`, the output of one product with both kernels side by side
 * @returns `[rows, size]`
 */
export function gate(input: Tensor2D, activation: Exclude<Activation, 'tanh'>, policy: ComputePolicy): Tensor2D {
  if (policy.kernels === 'custom') return customGate(input, activation);
  const [left, right] = tf.split(input, 2, 1) as [Tensor2D, Tensor2D];
  return tf.mul(activate(left, activation), right);
}

/** `gate` with the custom ops S2sGate and S2sGateGrad (src/runtime/native/gate_op.cc). */
function customGate(input: Tensor2D, activation: Activation): Tensor2D {
  const attributes = [attribute.string('activation', activation)];
  return withGradient<Tensor2D>(
    [input],
    (save) => {
      save([input]);
      return execute('S2sGate', attributes, [input])[0] as Tensor2D;
    },
    (gradient, saved) => execute('S2sGateGrad', attributes, [saved[0]!, gradient]),
  );
}
