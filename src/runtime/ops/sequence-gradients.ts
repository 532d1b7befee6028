import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { inFloat32, productOf, withoutPadRows } from './product.js';

/** What the products over all steps of a recurrent layer need, in the precision of the policy and with pad rows. */
export interface SequenceFactors {
  /** `[rows, input]` */
  readonly inputs: Tensor2D;
  /** `[input, gates * hidden]` */
  readonly inputKernel: Tensor2D;
  /** Hidden states before each step, `[rows, hidden]`. */
  readonly previousHidden: Tensor2D;
  /** Gradient of the inputs times their kernel, `[rows, gates * hidden]`. */
  readonly dProjected: Tensor2D;
  /** Gradient of the hidden states times their kernel, `[rows, gates * hidden]`. */
  readonly dRecurrent: Tensor2D;
}

/**
 * The gradients of the inputs and of both kernels of a recurrent layer, each a single product over all steps.
 *
 * @param shape of the inputs, `[batch, time, input]`
 */
export function sequenceGradients(
  { inputs, inputKernel, previousHidden, dProjected, dRecurrent }: SequenceFactors,
  shape: Tensor3D['shape'],
  policy: ComputePolicy,
): { dInputs: Tensor3D; dInputKernel: Tensor2D; dRecurrentKernel: Tensor2D } {
  const { precision } = policy;
  const dInputs = withoutPadRows(
    productOf(dProjected, inputKernel, policy, { b: true }),
    shape[0] * shape[1],
    precision,
  );
  return {
    dInputs: tf.reshape(dInputs, shape) as Tensor3D,
    dInputKernel: inFloat32(productOf(inputs, dProjected, policy, { a: true }), precision),
    dRecurrentKernel: inFloat32(productOf(previousHidden, dRecurrent, policy, { a: true }), precision),
  };
}
