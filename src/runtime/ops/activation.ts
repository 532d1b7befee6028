import type { Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';
import { withGradient } from './gradient.js';

/** Activation functions: Nair and Hinton (2010), Hendrycks and Gimpel (2016), Ramachandran et al. (2017). */
export type Activation = 'relu' | 'gelu' | 'swish';

/**
 * Applies an activation function to each element: `relu` max(x, 0), `gelu` x Φ(x) with the exact normal distribution,
 * `swish` x sigmoid(x).
 */
export function activate(input: Tensor2D, activation: Activation): Tensor2D {
  switch (activation) {
    case 'relu':
      return tf.relu(input);
    case 'gelu':
      return gated(input, normalDistribution, (x) =>
        // The density of the normal distribution.
        tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI)),
      );
    case 'swish':
      return gated(input, tf.sigmoid, (_x, gate) => tf.mul(gate, tf.sub(1, gate)));
  }
}

type Gate = (x: Tensor2D) => Tensor2D;

/** `x gate(x)`, whose gradient keeps only the input: `gate(x) + x gate'(x)`. */
function gated(input: Tensor2D, gate: Gate, derivative: (x: Tensor2D, gate: Tensor2D) => Tensor2D): Tensor2D {
  return withGradient<Tensor2D>(
    [input],
    (save) => {
      save([input]);
      return tf.mul(input, gate(input));
    },
    (gradient, [saved]) => {
      const x = saved as Tensor2D;
      const open = gate(x);
      return [tf.mul(gradient, tf.add(open, tf.mul(x, derivative(x, open))))];
    },
  );
}

function normalDistribution(x: Tensor2D): Tensor2D {
  return tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
}
