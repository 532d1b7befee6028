import type { Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';

/** `[batch, time, heads * size]` to `[batch, heads, time, size]`. */
export function splitHeads(tensor: Tensor3D, heads: number): Tensor4D {
  const [batch, time, width] = tensor.shape;
  return tf.transpose(tf.reshape(tensor, [batch, time, heads, width / heads]) as Tensor4D, [0, 2, 1, 3]);
}

/** `[batch, heads, time, size]`, or heads folded into the batch, to `[batch, time, heads * size]`. */
export function joinHeads(tensor: Tensor3D | Tensor4D, heads: number): Tensor3D {
  const [time, size] = tensor.shape.slice(-2) as [number, number];
  const split = tf.transpose(tf.reshape(tensor, [-1, heads, time, size]) as Tensor4D, [0, 2, 1, 3]);
  return tf.reshape(split, [split.shape[0], time, heads * size]);
}

/** `[batch, heads, time, size]` to `[batch * heads, time, size]`, for ops that know no heads. */
export function foldHeads(tensor: Tensor4D): Tensor3D {
  const [batch, heads, time, size] = tensor.shape;
  return tf.reshape(tensor, [batch * heads, time, size]);
}

/** Repeats each row of `[batch, time]` for every head: `[batch * heads, time]`. */
export function repeatForHeads(tensor: Tensor2D, heads: number): Tensor2D {
  if (heads === 1) return tensor;
  const [batch, time] = tensor.shape;
  return tf.reshape(tf.tile(tf.expandDims(tensor, 1), [1, heads, 1]), [batch * heads, time]);
}
