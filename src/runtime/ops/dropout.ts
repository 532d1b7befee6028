import type { Rank, Tensor, Tensor1D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../random.js';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { attribute, execute, noTensor } from './execute.js';
import { withGradient } from './gradient.js';

/**
 * Generates the seeds of the dropout masks of one update. A seed depends only on the run's seed, the update, and the
 * index of the call, so a resumed run draws the same masks without any stored generator state.
 */
export class DropoutSeeds {
  private calls = 0;

  /**
   * @param seed seed of the run
   * @param update number of the update, or of the batch with gradient accumulation; unique in the run
   */
  constructor(
    private readonly seed: number,
    private readonly update: number,
  ) {}

  /** The seed pair of the next mask. */
  next(): readonly [number, number] {
    this.calls++;
    return [(this.seed ^ Math.imul(this.calls, 0x9e3779b9)) | 0, this.update | 0];
  }

  /** A uniform number in [0, 1) on the host, for the next decision that concerns a whole layer. */
  uniform(): number {
    const [seed, update] = this.next();
    return new Random(seed).derive(String(update)).uniform();
  }
}

/** Dropout inside another op. */
export interface DropoutOptions {
  readonly rate: number;
  /** Undefined outside training: nothing is dropped. */
  readonly seeds: DropoutSeeds | undefined;
}

/** A mask, which is determined by its rate and seeds. */
export interface DropoutMask {
  readonly rate: number;
  readonly seeds: readonly [number, number];
}

/** Draws the seeds of the next mask; undefined if nothing is dropped. */
export function drawMask(options: DropoutOptions | undefined): DropoutMask | undefined {
  if (options?.seeds === undefined || options.rate === 0) return undefined;
  return { rate: options.rate, seeds: options.seeds.next() };
}

/** The seeds of a mask as an input of custom ops: int32 `[2]`, or `[0]` if nothing is dropped. */
export function maskSeeds(mask: DropoutMask | undefined): Tensor1D {
  return mask === undefined ? noTensor('int32') : tf.tensor1d([...mask.seeds], 'int32');
}

/**
 * Inverted dropout (Srivastava et al. 2014): sets each element to zero with probability `rate` and divides the others
 * by `1 - rate`. Returns the input itself without seeds (outside training) or with rate 0.
 *
 * Masks come from TensorFlow's counter-based generator (Philox; Salmon et al. 2011). All native implementations draw
 * the same mask.
 */
export function dropout<Shape extends Rank>(
  input: Tensor<Shape>,
  rate: number,
  seeds: DropoutSeeds | undefined,
  policy: ComputePolicy,
): Tensor<Shape> {
  const mask = drawMask({ rate, seeds });
  return mask === undefined ? input : applyMask(input, mask, policy);
}

/** Sets the elements that the mask drops to zero and divides the others by `1 - rate`. */
export function applyMask<Shape extends Rank>(
  input: Tensor<Shape>,
  mask: DropoutMask,
  policy: ComputePolicy,
): Tensor<Shape> {
  return policy.kernels === 'custom' ? customDropout(input, mask) : plainDropout(input, mask);
}

function plainDropout<Shape extends Rank>(input: Tensor<Shape>, { rate, seeds }: DropoutMask): Tensor<Shape> {
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

/**
 * Dropout with the custom op S2sDropout (src/runtime/native/dropout_op.cc), which recomputes the mask in the gradient.
 */
function customDropout<Shape extends Rank>(input: Tensor<Shape>, mask: DropoutMask): Tensor<Shape> {
  const masked = (tensor: Tensor<Shape>): Tensor<Shape> =>
    execute('S2sDropout', [attribute.float('rate', mask.rate)], [tensor, maskSeeds(mask)])[0] as Tensor<Shape>;
  return withGradient<Tensor<Shape>>(
    [input],
    () => masked(input),
    (gradient) => [masked(gradient)],
  );
}

/** Mask of values 0 (with probability `rate`) and `1 / (1 - rate)`. */
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
