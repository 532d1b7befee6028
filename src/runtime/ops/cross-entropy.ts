import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy, Precision } from '../policy.js';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';
import { withGradients } from './gradient.js';
import { matMul } from './matmul.js';
import { inFloat32, inPrecision, productOf } from './product.js';

/** Inputs of the output projection and its loss. */
export interface CrossEntropyInputs {
  /** `[positions, hidden]`: decoder outputs without padding. */
  readonly hidden: Tensor2D;
  /** `[vocab, hidden]` */
  readonly kernel: Tensor2D;
  /** `[vocab]` */
  readonly bias: Tensor1D;
  /** int32 `[positions]`: the reference tokens. */
  readonly labels: Tensor1D;
  /** `[positions]`: weight of each position in the loss. Positions of weight 0 are excluded from all sums. */
  readonly weights: Tensor1D;
  /** Probability mass ε that is distributed uniformly over the vocabulary, from 0 to 1. */
  readonly labelSmoothing: number;
}

/** Sums over all positions. */
export interface CrossEntropyOutputs {
  /** Weighted cross-entropy with label smoothing, in nats. The only differentiable output. */
  readonly loss: Scalar;
  /** Unweighted cross-entropy without label smoothing, in nats. */
  readonly negativeLogLikelihood: Scalar;
  /** Number of positions at which the most probable token is the label. */
  readonly correct: Scalar;
}

/**
 * Cross-entropy of the logits `hidden kernelᵀ + bias` with label smoothing (Szegedy et al. 2016, section 7). The target
 * distribution assigns `1 - ε` to the label, plus `ε / vocab` to every token. Subtracts the maximum logit first, so
 * that no exponential overflows.
 */
export function projectedCrossEntropy(inputs: CrossEntropyInputs, policy: ComputePolicy): CrossEntropyOutputs {
  return policy.kernels === 'custom' ? customCrossEntropy(inputs, policy) : plainCrossEntropy(inputs, policy);
}

function plainCrossEntropy(
  { hidden, kernel, bias, labels, weights, labelSmoothing }: CrossEntropyInputs,
  policy: ComputePolicy,
): CrossEntropyOutputs {
  const logits = matMul(hidden, kernel, policy, { transposeB: true, bias });
  const logProbabilities = tf.logSoftmax(logits);
  const labelLosses = tf.neg(tf.sum(tf.mul(logProbabilities, tf.oneHot(labels, kernel.shape[0])), 1));
  const uniformLosses = tf.neg(tf.mean(logProbabilities, 1));
  const smoothed = tf.add(tf.mul(labelLosses, 1 - labelSmoothing), tf.mul(uniformLosses, labelSmoothing));
  const counted = tf.cast(tf.notEqual(weights, 0), 'float32');
  return {
    loss: tf.sum(tf.mul(smoothed, weights)),
    negativeLogLikelihood: tf.sum(tf.mul(labelLosses, counted)),
    correct: tf.sum(tf.mul(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32'), counted)),
  };
}

/**
 * `projectedCrossEntropy` with the custom op S2sCrossEntropy, which computes the gradient of the logits in the same
 * pass as the loss. That leaves three large matrix products: the logits and the gradients of both factors.
 */
function customCrossEntropy(
  { hidden, kernel, bias, labels, weights, labelSmoothing }: CrossEntropyInputs,
  policy: ComputePolicy,
): CrossEntropyOutputs {
  const { precision } = policy;
  const [loss, negativeLogLikelihood, correct] = withGradients(
    [hidden, kernel, bias],
    (save) => {
      const left = inPrecision(hidden, precision);
      const right = inPrecision(kernel, precision);
      const logits = productOf(left, right, policy, { b: true });
      const { sums, dLogits, dBias } = crossEntropyOfLogits(logits, {
        bias,
        labels,
        weights,
        labelSmoothing,
        precision,
      });
      save([left, right, dLogits, dBias]);
      return sums;
    },
    ([gradient], saved) => {
      const [left, right, dLogits, dBias] = saved as [Tensor2D, Tensor2D, Tensor2D, Tensor1D];
      const dHidden = inFloat32(productOf(dLogits, right, policy), precision);
      const dKernel = inFloat32(productOf(dLogits, left, policy, { a: true }), precision);
      // Cloned, because tfjs disposes saved tensors after the backward pass.
      const all = [dHidden, dKernel, tf.clone(dBias)];
      // The gradient of the loss itself is 1 in almost all steps: skip a pass over the kernel gradient.
      return gradient!.dataSync()[0] === 1 ? all : all.map((tensor) => tf.mul(tensor, gradient!));
    },
  );
  return { loss: loss as Scalar, negativeLogLikelihood: negativeLogLikelihood as Scalar, correct: correct as Scalar };
}

/** Results of one pass over the logits. */
export interface LogitsCrossEntropy {
  /** Loss, negative log-likelihood and number of correct positions: scalars, as in `CrossEntropyOutputs`. */
  readonly sums: [Scalar, Scalar, Scalar];
  /** Gradient of the loss `[positions, vocab]`, in the precision of the logits. */
  readonly dLogits: Tensor2D;
  /** Gradient of the loss `[vocab]`. */
  readonly dBias: Tensor1D;
}

/**
 * Loss and gradient with the custom op S2sCrossEntropy (src/runtime/native/cross_entropy_op.cc). Not differentiable.
 *
 * @param logits `[positions, vocab]` in `precision`, without the bias. They are disposed, and the gradient reuses their
 *   buffer unless another tensor shares it.
 */
export function crossEntropyOfLogits(
  logits: Tensor2D,
  {
    bias,
    labels,
    weights,
    labelSmoothing,
    precision,
  }: Omit<CrossEntropyInputs, 'hidden' | 'kernel'> & { precision: Precision },
): LogitsCrossEntropy {
  // An op cannot reuse the buffer of an input tensor, to which TensorFlow always holds another reference; a resource
  // variable can be the only owner. Name and shape are fixed, because TensorFlow caches a kernel for each of them.
  const [variable] = execute(
    'VarHandleOp',
    [
      attribute.string('container', ''),
      attribute.string('shared_name', `s2s/logits/${precision}`),
      attribute.type('dtype', precision),
      attribute.shape('shape', []),
    ],
    [],
  );
  execute('AssignVariableOp', [attribute.type('dtype', precision)], [variable!, logits], 0);
  logits.dispose();
  const attributes = [attribute.type('T', precision), attribute.float('label_smoothing', labelSmoothing)];
  const outputs = execute('S2sCrossEntropy', attributes, [variable!, bias, labels, weights], 5);
  variable!.dispose();
  const [loss, negativeLogLikelihood, correct, dLogits, dBias] = outputs as [
    Scalar,
    Scalar,
    Scalar,
    Tensor2D,
    Tensor1D,
  ];
  return { sums: [loss, negativeLogLikelihood, correct], dLogits, dBias };
}
