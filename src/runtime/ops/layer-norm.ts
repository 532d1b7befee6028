import type { Rank, Tensor, Tensor1D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { applyMask, drawMask, maskSeeds, type DropoutOptions } from './dropout.js';
import { attribute, execute, noTensor } from './execute.js';
import { withGradients } from './gradient.js';

/** Options of `normalize`. */
export interface NormalizeOptions {
  /** Added to the mean square of a row, so that a row of zeros is not divided by zero. */
  readonly epsilon: number;
  /**
   * `layer`: layer normalisation, rows with mean 0 and variance 1 (Ba et al. 2016). `rms`: rows are divided by their
   * root mean square (Zhang and Sennrich 2019).
   */
  readonly kind: 'layer' | 'rms';
  /** Dropout of `x` before the residual is added. */
  readonly dropout?: DropoutOptions | undefined;
}

/** Results of `normalize`, in the shape of its input. */
export interface Normalized<Shape extends Rank> {
  /** The input after dropout plus the residual, for the next residual connection. */
  readonly sum: Tensor<Shape>;
  readonly normalized: Tensor<Shape>;
}

/**
 * Adds a residual and normalises each row: `gain (sum - mean) / sqrt(variance + epsilon) + bias` with `sum = dropout(x)
 * + residual`.
 *
 * @param x `[..., width]`
 * @param residual of the shape of `x`; zeros by default
 * @param gain `[width]`
 * @param bias `[width]`; zeros by default
 */
export function normalize<Shape extends Rank>(
  x: Tensor<Shape>,
  residual: Tensor<Shape> | undefined,
  gain: Tensor1D,
  bias: Tensor1D | undefined,
  options: NormalizeOptions,
  policy: ComputePolicy,
): Normalized<Shape> {
  if (policy.kernels !== 'custom' || x.size === 0) return plainNormalize(x, residual, gain, bias, options, policy);
  const [normalized, sum] = customNormalize(x, residual, gain, bias, options, true);
  return { sum: sum!, normalized: normalized! };
}

/** `normalize` without the sum, where nothing else uses it: post-norm layers, and the last norm of a stack. */
export function normalizeOnly<Shape extends Rank>(
  x: Tensor<Shape>,
  residual: Tensor<Shape> | undefined,
  gain: Tensor1D,
  bias: Tensor1D | undefined,
  options: NormalizeOptions,
  policy: ComputePolicy,
): Tensor<Shape> {
  if (policy.kernels !== 'custom' || x.size === 0)
    return plainNormalize(x, residual, gain, bias, options, policy).normalized;
  return customNormalize(x, residual, gain, bias, options, false)[0]!;
}

function plainNormalize<Shape extends Rank>(
  x: Tensor<Shape>,
  residual: Tensor<Shape> | undefined,
  gain: Tensor1D,
  bias: Tensor1D | undefined,
  { epsilon, kind, dropout }: NormalizeOptions,
  policy: ComputePolicy,
): Normalized<Shape> {
  const mask = drawMask(dropout);
  const dropped = mask === undefined ? x : applyMask(x, mask, policy);
  const sum = residual === undefined ? dropped : tf.add<Tensor<Shape>>(dropped, residual);
  const centred = kind === 'layer' ? tf.sub(sum, tf.mean(sum, -1, true)) : sum;
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
  const scaled = tf.mul(tf.mul(centred, inverse), gain);
  return { sum, normalized: (bias === undefined ? scaled : tf.add(scaled, bias)) as Tensor<Shape> };
}

/**
 * `normalize` with the custom ops S2sNormalize and S2sNormalizeGrad (src/runtime/native/normalize_op.cc): the normalised
 * rows and, if asked for, the sum. A sum that nothing uses would cost a gradient of zeros.
 */
function customNormalize<Shape extends Rank>(
  x: Tensor<Shape>,
  residual: Tensor<Shape> | undefined,
  gain: Tensor1D,
  bias: Tensor1D | undefined,
  { epsilon, kind, dropout }: NormalizeOptions,
  withSum: boolean,
): Tensor<Shape>[] {
  const mask = drawMask(dropout);
  const attributes = [attribute.bool('centred', kind === 'layer'), attribute.float('rate', mask?.rate ?? 0)];
  return withGradients(
    [x, gain, ...(residual === undefined ? [] : [residual]), ...(bias === undefined ? [] : [bias])],
    (save) => {
      const seeds = maskSeeds(mask);
      const outputs = execute(
        'S2sNormalize',
        [...attributes, attribute.float('epsilon', epsilon)],
        [x, residual ?? noTensor('float32'), gain, bias ?? noTensor('float32'), seeds],
        3,
      );
      save([outputs[0]!, outputs[2]!, gain, seeds]);
      return withSum ? [outputs[1]!, outputs[0]!] : [outputs[1]!];
    },
    ([dNormalized, dSum], saved) => {
      const inputs = [...saved, dSum ?? noTensor('float32'), dNormalized!];
      const [dResidual, masked, dGain, dBias] = execute('S2sNormalizeGrad', attributes, inputs, 4);
      // Cloned, because tfjs may dispose the gradient of one input before that of another is read.
      const dX = masked!.size > 0 ? masked! : residual === undefined ? dResidual! : tf.clone(dResidual!);
      return [dX, dGain!, ...(residual === undefined ? [] : [dResidual!]), ...(bias === undefined ? [] : [dBias!])];
    },
  ) as Tensor<Shape>[];
}
