import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';

/** The steps of `[batch, time, size]`: `time` matrices `[batch, size]`. Has a gradient. */
export function stepsOf(sequence: Tensor3D): Tensor2D[] {
  // tf.unstack fails in the gradient when there is a single step.
  return sequence.shape[1] === 1 ? [tf.squeeze<Tensor2D>(sequence, [1])] : (tf.unstack(sequence, 1) as Tensor2D[]);
}
