import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';

/*
 * Sequences as TensorFlow's fused recurrent ops read them: step by step, and those that are read backwards turned around
 * within their length. None of these has a gradient.
 */

/** float32 `[batch, time]`, 1 at real steps. */
export function realSteps(lengths: Tensor1D, time: number): Tensor2D {
  return tf.cast(tf.less(tf.expandDims(tf.range(0, time, 1, 'int32'), 0), tf.expandDims(lengths, 1)), 'float32');
}

/** `[batch, time, size]` to `[time, batch, size]`, in the order of reading. */
export function timeFirst(tensor: Tensor3D, lengths: Tensor1D, reverse: boolean): Tensor3D {
  const turned = tf.transpose(tensor, [1, 0, 2]);
  return reverse ? reverseSteps(turned, lengths) : turned;
}

/** The way back. */
export function batchFirst(tensor: Tensor3D, lengths: Tensor1D, reverse: boolean): Tensor3D {
  return tf.transpose(reverse ? reverseSteps(tensor, lengths) : tensor, [1, 0, 2]);
}

/** Turns the real steps of each row of `[time, batch, size]` around; padded ones stay where they are. */
function reverseSteps(tensor: Tensor3D, lengths: Tensor1D): Tensor3D {
  const attributes = [
    attribute.type('T', 'float32'),
    attribute.type('Tlen', 'int32'),
    attribute.int('seq_dim', 0),
    attribute.int('batch_dim', 1),
  ];
  return execute('ReverseSequence', attributes, [tensor, lengths])[0] as Tensor3D;
}
