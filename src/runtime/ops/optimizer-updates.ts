import type { Scalar, Tensor } from '@tensorflow/tfjs-node-gpu';
import type { Kernels } from '../policy.js';
import type { StoredTensor } from '../stored-tensor.js';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';

/** Hyperparameters of one Adam update. */
export interface AdamHyperparameters {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Number of this update from 1, for bias correction. */
  readonly update: number;
  /** Decoupled weight decay; 0 for plain Adam. */
  readonly weightDecay: number;
  /** Gradients are multiplied by it first. */
  readonly gradientFactor: number;
}

/** A parameter, its moments, and its gradient. */
export interface AdamVariables {
  readonly weights: StoredTensor;
  readonly firstMoment: StoredTensor;
  readonly secondMoment: StoredTensor;
  readonly gradient: Tensor;
}

/**
 * One in-place Adam update of all parameters (Kingma and Ba 2015, last paragraph of section 2):
 * `m = b1 m + (1-b1) g`, `v = b2 v + (1-b2) g^2`, `w -= lr sqrt(1-b2^t)/(1-b1^t) m / (sqrt(v) + epsilon)`.
 * With weight decay, first `w -= lr decay w` (AdamW; Loshchilov and Hutter 2019).
 */
export function applyAdam(all: readonly AdamVariables[], numbers: AdamHyperparameters, kernels: Kernels): void {
  const { learningRate, beta1, beta2, epsilon, update, weightDecay, gradientFactor } = numbers;
  if (kernels === 'custom' && all.length > 0) {
    customAdam(all, numbers);
    return;
  }
  tf.tidy(() => {
    const scalars = [beta1 ** update, beta2 ** update, learningRate, beta1, beta2, epsilon].map((value) =>
      tf.scalar(value),
    );
    const attributes = [
      attribute.type('T', 'float32'),
      attribute.bool('use_locking', false),
      attribute.bool('use_nesterov', false),
    ];
    for (const { weights, firstMoment, secondMoment, gradient: unscaled } of all) {
      const gradient = scaled(unscaled, gradientFactor);
      if (weightDecay > 0) decayWeights(weights, learningRate * weightDecay);
      if (weights.handle !== undefined && firstMoment.handle !== undefined && secondMoment.handle !== undefined) {
        execute(
          'ResourceApplyAdam',
          attributes,
          [weights.handle, firstMoment.handle, secondMoment.handle, ...scalars, gradient],
          0,
        );
      } else {
        plainAdam({ weights, firstMoment, secondMoment, gradient }, numbers);
      }
    }
  });
}

/** `applyAdam` with the custom op S2sAdam (src/runtime/native/adam_op.cc), to the bit. */
function customAdam(
  all: readonly AdamVariables[],
  { learningRate, beta1, beta2, epsilon, update, weightDecay, gradientFactor }: AdamHyperparameters,
): void {
  tf.tidy(() => {
    const powers = [beta1 ** update, beta2 ** update];
    const numbers = [learningRate, beta1, beta2, epsilon, ...powers, learningRate * weightDecay, gradientFactor];
    const inputs = [
      ...all.map(({ weights }) => weights.handle!),
      ...all.map(({ firstMoment }) => firstMoment.handle!),
      ...all.map(({ secondMoment }) => secondMoment.handle!),
      ...all.map(({ gradient }) => gradient),
      tf.tensor1d(numbers),
    ];
    execute('S2sAdam', [attribute.int('N', all.length)], inputs, 0);
  });
}

function plainAdam(
  { weights, firstMoment, secondMoment, gradient }: AdamVariables,
  { learningRate, beta1, beta2, epsilon, update }: AdamHyperparameters,
): void {
  const m = tf.add(tf.mul(firstMoment.read(), beta1), tf.mul(gradient, 1 - beta1));
  const v = tf.add(tf.mul(secondMoment.read(), beta2), tf.mul(tf.square(gradient), 1 - beta2));
  const rate = (learningRate * Math.sqrt(1 - beta2 ** update)) / (1 - beta1 ** update);
  firstMoment.assign(m);
  secondMoment.assign(v);
  weights.assign(tf.sub(weights.read(), tf.div(tf.mul(m, rate), tf.add(tf.sqrt(v), epsilon))));
}

function scaled(gradient: Tensor, factor: number): Tensor {
  return factor === 1 ? gradient : tf.mul(gradient, factor);
}

/**
 * One in-place update of stochastic gradient descent: `w -= lr g`; with momentum (Polyak 1964)
 * `a = momentum a + g`, `w -= lr a`.
 *
 * @param unscaled the gradient, which is multiplied by `gradientFactor` first
 */
export function applySgd(
  weights: StoredTensor,
  accumulated: StoredTensor | undefined,
  unscaled: Tensor,
  numbers: { readonly learningRate: number; readonly momentum: number; readonly gradientFactor: number },
): void {
  const { learningRate, momentum, gradientFactor } = numbers;
  tf.tidy(() => {
    const gradient = scaled(unscaled, gradientFactor);
    const native = weights.handle !== undefined;
    if (accumulated === undefined) {
      if (native) {
        execute(
          'ResourceApplyGradientDescent',
          [attribute.type('T', 'float32'), attribute.bool('use_locking', false)],
          [weights.handle!, tf.scalar(learningRate), gradient],
          0,
        );
      } else {
        weights.assign(tf.sub(weights.read(), tf.mul(gradient, learningRate)));
      }
      return;
    }
    if (native && accumulated.handle !== undefined) {
      execute(
        'ResourceApplyMomentum',
        [attribute.type('T', 'float32'), attribute.bool('use_locking', false), attribute.bool('use_nesterov', false)],
        [weights.handle!, accumulated.handle, tf.scalar(learningRate), gradient, tf.scalar(momentum)],
        0,
      );
      return;
    }
    accumulated.assign(tf.add(tf.mul(accumulated.read(), momentum), gradient));
    weights.assign(tf.sub(weights.read(), tf.mul(accumulated.read(), learningRate)));
  });
}

/** `w -= share * w`, in place. */
function decayWeights(weights: StoredTensor, share: number): void {
  const decay = tf.mul(weights.read(), share);
  if (weights.handle === undefined) {
    weights.assign(tf.sub(weights.read(), decay));
    return;
  }
  execute('AssignSubVariableOp', [attribute.type('dtype', 'float32')], [weights.handle, decay], 0);
}

/** L2 norm of all gradients concatenated into one vector (Pascanu et al. 2013). */
export function globalNorm(gradients: readonly Tensor[], kernels: Kernels): Scalar {
  // src/runtime/native/global_norm_op.cc: one pass over memory.
  if (kernels === 'custom')
    return execute('S2sGlobalNorm', [attribute.int('N', gradients.length)], gradients)[0] as Scalar;
  return tf.tidy(() => {
    // L2Loss computes half the sum of squares in one pass over memory.
    const halves = gradients.map((gradient) =>
      tf.getBackend() === 'tensorflow'
        ? execute('L2Loss', [attribute.type('T', 'float32')], [gradient])[0]!
        : tf.div(tf.sum(tf.square(gradient)), 2),
    );
    return tf.sqrt(tf.mul(tf.addN(halves), 2)) as Scalar;
  });
}
