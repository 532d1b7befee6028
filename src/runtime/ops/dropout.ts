import type { Rank, Tensor } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { attribute, execute } from './execute.js';
import { withGradient } from './gradient.js';

/**
 * Names the dropout masks of one update. Each mask is a pure function of (seed, update, order of the call), so
 * nothing needs to be stored to repeat it after a resume.
 */
export class DropoutSeeds {
  private calls = 0;

  /**
   * @param seed of the run
   * @param update number of the update, or of the batch within accumulated ones, unique in the run
   */
  constructor(
    private readonly seed: number,
    private readonly update: number,
  ) {}

  /** The next pair of seeds. */
  next(): readonly [number, number] {
    this.calls++;
    return [(this.seed ^ Math.imul(this.calls, 0x9e3779b9)) | 0, this.update | 0];
  }
}

/**
 * Inverted dropout (Srivastava et al. 2014): each element is zero with probability `rate`, the others are divided by
 * `1 - rate`. Without seeds (outside training) or with rate 0 the input comes back as it is.
 *
 * The mask comes from TensorFlow's counter-based generator (Philox; Salmon et al. 2011); all native forms make the same.
 */
export function dropout<Shape extends Rank>(
  input: Tensor<Shape>,
  rate: number,
  seeds: DropoutSeeds | undefined,
  policy: ComputePolicy,
): Tensor<Shape> {
  if (seeds === undefined || rate === 0) return input;
  const seedPair = seeds.next();
  const masked = policy.kernels === 'custom' ? customDropout : plainDropout;
  return masked(input, rate, seedPair);
}

function plainDropout<Shape extends Rank>(
  input: Tensor<Shape>,
  rate: number,
  seeds: readonly [number, number],
): Tensor<Shape> {
  return withGradient<Tensor<Shape>>(
    [input],
    (save) => {
      const mask = dropoutMask(input.shape, rate, seeds);
      save([mask]);
      return tf.mul(input, mask);
    },
    (gradient, [mask]) => [tf.mul(gradient, mask!)],
  );
}

/** The same by the custom op S2sDropout (src/runtime/native/dropout_op.cc), which makes the mask again for the gradient. */
function customDropout<Shape extends Rank>(
  input: Tensor<Shape>,
  rate: number,
  seeds: readonly [number, number],
): Tensor<Shape> {
  const masked = (tensor: Tensor<Shape>): Tensor<Shape> =>
    execute(
      'S2sDropout',
      [attribute.float('rate', rate)],
      [tensor, tf.tensor1d([...seeds], 'int32')],
    )[0] as Tensor<Shape>;
  return withGradient<Tensor<Shape>>(
    [input],
    () => masked(input),
    (gradient) => [masked(gradient)],
  );
}

/** `shape` filled with 0 (probability `rate`) and `1 / (1 - rate)`, a pure function of the pair of seeds. */
function dropoutMask(shape: readonly number[], rate: number, seeds: readonly [number, number]): Tensor {
  const uniform = uniformFromSeeds(shape, seeds);
  return tf.mul(tf.cast(tf.greaterEqual(uniform, rate), 'float32'), 1 / (1 - rate));
}

/** Uniform numbers in [0, 1): StatelessRandomUniform on the native backend, tfjs's seeded generator elsewhere. */
function uniformFromSeeds(shape: readonly number[], seeds: readonly [number, number]): Tensor {
  if (tf.getBackend() !== 'tensorflow') {
    return tf.randomUniform([...shape], 0, 1, 'float32', seeds[0] ^ Math.imul(seeds[1], 0x85ebca6b));
  }
  const [uniform] = execute(
    'StatelessRandomUniform',
    [attribute.type('dtype', 'float32'), attribute.type('T', 'int32'), attribute.type('Tseed', 'int32')],
    [tf.tensor1d([...shape], 'int32'), tf.tensor1d([...seeds], 'int32')],
  );
  return uniform!;
}
