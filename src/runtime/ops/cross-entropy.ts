import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy, Precision } from '../policy.js';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';
import { withGradients } from './gradient.js';
import { matMul } from './matmul.js';
import { inFloat32, inPrecision, productOf } from './product.js';

/** What the output projection and its loss read. */
export interface CrossEntropyInputs {
  /** `[positions, hidden]`: decoder outputs at real positions. */
  readonly hidden: Tensor2D;
  /** `[vocab, hidden]` */
  readonly kernel: Tensor2D;
  /** `[vocab]` */
  readonly bias: Tensor1D;
  /** int32 `[positions]`: the right tokens. */
  readonly labels: Tensor1D;
  /** `[positions]`: weight of each position in the loss; a position of weight 0 is left out of all sums. */
  readonly weights: Tensor1D;
  /** Probability mass spread evenly over the vocabulary, from 0 to 1. */
  readonly labelSmoothing: number;
}

/** Sums over all positions. */
export interface CrossEntropyOutputs {
  /** Smoothed cross-entropy times the weights; the only one with a gradient. */
  readonly loss: Scalar;
  /** Cross-entropy without smoothing and not weighted, in nats. */
  readonly negativeLogLikelihood: Scalar;
  /** Number of positions at which the most probable token is the right one. */
  readonly correct: Scalar;
}

/**
 * Cross-entropy of the logits `hidden kernelᵀ + bias` with label smoothing (Szegedy et al. 2016, section 7): against the
 * distribution that gives `1 - ε` to the label and `ε / vocab` to every token. Computed from the logits less their
 * maximum, so that no logit is too large.
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
  const ofLabels = tf.neg(tf.sum(tf.mul(logProbabilities, tf.oneHot(labels, kernel.shape[0])), 1));
  const ofAll = tf.neg(tf.mean(logProbabilities, 1));
  const smoothed = tf.add(tf.mul(ofLabels, 1 - labelSmoothing), tf.mul(ofAll, labelSmoothing));
  const counted = tf.cast(tf.notEqual(weights, 0), 'float32');
  return {
    loss: tf.sum(tf.mul(smoothed, weights)),
    negativeLogLikelihood: tf.sum(tf.mul(ofLabels, counted)),
    correct: tf.sum(tf.mul(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32'), counted)),
  };
}

/**
 * The same by the custom op S2sCrossEntropy, which computes the gradient of the logits in the same pass as the loss: besides
 * it, only the three large products are left.
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
      const { sums, ofLogits, ofBias } = crossEntropyOfLogits(logits, {
        bias,
        labels,
        weights,
        labelSmoothing,
        precision,
      });
      save([left, right, ofLogits, ofBias]);
      return sums;
    },
    ([gradient], saved) => {
      const [left, right, ofLogits, ofBias] = saved as [Tensor2D, Tensor2D, Tensor2D, Tensor1D];
      const ofHidden = inFloat32(productOf(ofLogits, right, policy), precision);
      const ofKernel = inFloat32(productOf(ofLogits, left, policy, { a: true }), precision);
      // A copy, because what was saved is disposed afterwards.
      const all = [ofHidden, ofKernel, tf.clone(ofBias)];
      // The loss is nearly always what is differentiated: a pass over the kernel saved.
      return gradient!.dataSync()[0] === 1 ? all : all.map((tensor) => tf.mul(tensor, gradient!));
    },
  );
  return { loss: loss as Scalar, negativeLogLikelihood: negativeLogLikelihood as Scalar, correct: correct as Scalar };
}

/** What one pass over the logits gives. */
export interface LogitsCrossEntropy {
  /** Loss, negative log-likelihood and number of correct positions: scalars, as in `CrossEntropyOutputs`. */
  readonly sums: [Scalar, Scalar, Scalar];
  /** Gradient of the loss `[positions, vocab]`, in the precision of the logits. */
  readonly ofLogits: Tensor2D;
  /** Gradient of the loss `[vocab]`. */
  readonly ofBias: Tensor1D;
}

/**
 * The custom op S2sCrossEntropy (src/runtime/native/cross_entropy_op.cc). No gradient is recorded.
 *
 * @param logits `[positions, vocab]` in `precision`, without the bias; disposed here. The gradient takes their memory,
 *   unless another tensor shares it: then the gradient gets memory of its own.
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
  // TensorFlow keeps a reference to every input while an op runs, so that no input is ever known to be unshared. A
  // variable can be the only owner. It has one name and one shape for good: TensorFlow keeps a kernel for each of them.
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
  const [loss, negativeLogLikelihood, correct, ofLogits, ofBias] = outputs as [
    Scalar,
    Scalar,
    Scalar,
    Tensor2D,
    Tensor1D,
  ];
  return { sums: [loss, negativeLogLikelihood, correct], ofLogits, ofBias };
}
