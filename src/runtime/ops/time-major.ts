import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';

/** float32 `[batch, time]`: 1 at real steps, 0 at padding (as `tf.sequence_mask`). */
export function sequenceMask(lengths: Tensor1D, time: number): Tensor2D {
  return tf.cast(tf.less(tf.expandDims(tf.range(0, time, 1, 'int32'), 0), tf.expandDims(lengths, 1)), 'float32');
}

/** Splits `[batch, time, size]` into `time` matrices `[batch, size]`. Differentiable. */
export function unstackTime(sequence: Tensor3D): Tensor2D[] {
  // The gradient of tf.unstack fails for a single step.
  return sequence.shape[1] === 1 ? [tf.squeeze<Tensor2D>(sequence, [1])] : (tf.unstack(sequence, 1) as Tensor2D[]);
}

/**
 * `[batch, time, size]` to `[time, batch, size]`, the layout of TensorFlow's fused recurrent ops. With `reverse`, each
 * row is reversed within its length. Not differentiable.
 */
export function toTimeMajor(tensor: Tensor3D, lengths: Tensor1D, reverse: boolean): Tensor3D {
  const transposed = tf.transpose(tensor, [1, 0, 2]);
  return reverse ? reverseSteps(transposed, lengths) : transposed;
}

/** The inverse of `toTimeMajor`. Not differentiable. */
export function toBatchMajor(tensor: Tensor3D, lengths: Tensor1D, reverse: boolean): Tensor3D {
  return tf.transpose(reverse ? reverseSteps(tensor, lengths) : tensor, [1, 0, 2]);
}

/** Reverses the real steps of each row of `[time, batch, size]`; padded steps keep their positions. */
function reverseSteps(tensor: Tensor3D, lengths: Tensor1D): Tensor3D {
  const attributes = [
    attribute.type('T', 'float32'),
    attribute.type('Tlen', 'int32'),
    attribute.int('seq_dim', 0),
    attribute.int('batch_dim', 1),
  ];
  return execute('ReverseSequence', attributes, [tensor, lengths])[0] as Tensor3D;
}
