import type { Rank, Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { dropout, type DropoutSeeds } from '../runtime/ops/dropout.js';
import { LoopProducts } from '../runtime/ops/loop-products.js';
import type { ComputePolicy } from '../runtime/policy.js';
import { activate } from '../runtime/ops/activation.js';
import { tf } from '../runtime/tf.js';
import type { Parameters, Product } from './parameters.js';

/** How a pass drops values in training. */
export interface DropoutOptions {
  /** Seeds of the masks; without them, dropout is disabled. */
  readonly seeds: DropoutSeeds | undefined;
  /** Whether one mask serves all time steps of a sentence (Gal and Ghahramani 2016). */
  readonly variational: boolean;
}

const NO_DROPOUT: DropoutOptions = { seeds: undefined, variational: false };

/** Context of one forward pass for all layers: compute policy, products with kernels, and dropout. */
export class ForwardPass {
  readonly policy: ComputePolicy;

  private constructor(
    private readonly parameters: Parameters,
    readonly multiply: Product,
    private readonly dropped: DropoutOptions,
  ) {
    this.policy = parameters.policy;
  }

  /** Seeds of the dropout masks; undefined outside training. */
  get seeds(): DropoutSeeds | undefined {
    return this.dropped.seeds;
  }

  /** A differentiable pass. Without seeds, dropout is disabled. */
  static training(parameters: Parameters, options: DropoutOptions = NO_DROPOUT): ForwardPass {
    return new ForwardPass(parameters, parameters.multiply, options);
  }

  /** A pass without gradients and dropout that uses packed kernels. */
  static decoding(parameters: Parameters): ForwardPass {
    return new ForwardPass(parameters, parameters.multiplyPacked, NO_DROPOUT);
  }

  /**
   * A pass for the steps of a loop over time, in which products with the named kernels and biases have one gradient for
   * all steps.
   *
   * @param start a tensor that every step depends on, as the state before the first step
   * @returns the pass, and the tensor to use instead of `start`
   */
  loop<Start extends Tensor>(start: Start, names: readonly string[]): { pass: ForwardPass; start: Start } {
    if (this.multiply !== this.parameters.multiply) return { pass: this, start };
    const weights = new Map(names.map((name) => [name, this.parameters.get(name)]));
    const products = new LoopProducts(weights, this.policy);
    const begun = products.begin(start);
    const multiply: Product = (input, kernel, options = {}) => {
      if (!weights.has(kernel)) return this.multiply(input, kernel, options);
      const product = products.multiply(input, kernel, options.bias);
      return options.activation === undefined ? product : activate(product, options.activation);
    };
    return { pass: new ForwardPass(this.parameters, multiply, this.dropped), start: begun };
  }

  /** Dropout (Srivastava et al. 2014); returns the input itself outside training. */
  dropout<Shape extends Rank>(input: Tensor<Shape>, rate: number): Tensor<Shape> {
    return dropout(input, rate, this.dropped.seeds, this.policy);
  }

  /**
   * Dropout on the vectors of whole sentences, `[batch, time, size]`: with variational dropout, each sentence has one
   * mask for all time steps.
   */
  sequenceDropout(input: Tensor3D, rate: number): Tensor3D {
    if (!this.dropped.variational) return this.dropout(input, rate);
    return this.maskWith(input, [input.shape[0], 1, input.shape[2]], rate);
  }

  /**
   * Dropout for the steps of a loop over time, `[rows, size]` each: with variational dropout, all steps have the same
   * mask.
   */
  stepDropout([rows, size]: readonly [number, number], rate: number): (input: Tensor2D) => Tensor2D {
    if (!this.dropped.variational) return (input) => this.dropout(input, rate);
    const mask = this.mask([rows, size], rate);
    return mask === undefined ? (input) => input : (input) => tf.mul(input, mask);
  }

  /** Drops whole token vectors of `[batch, time, size]` (Sennrich, Haddow and Birch 2016, section 2.4). */
  wordDropout(embedded: Tensor3D, rate: number): Tensor3D {
    return this.maskWith(embedded, [embedded.shape[0], embedded.shape[1], 1], rate);
  }

  private maskWith(input: Tensor3D, shape: readonly [number, number, number], rate: number): Tensor3D {
    const mask = this.mask(shape, rate);
    return mask === undefined ? input : tf.mul(input, mask);
  }

  /** A mask of values 0 and `1 / (1 - rate)`; undefined where nothing is dropped. */
  private mask(shape: readonly number[], rate: number): Tensor | undefined {
    if (this.dropped.seeds === undefined || rate === 0) return undefined;
    return dropout(tf.ones([...shape]), rate, this.dropped.seeds, this.policy);
  }

  /** Whether training skips a layer in this pass, with probability `rate` (Fan et al. 2020). */
  dropsLayer(rate: number): boolean {
    return this.seeds !== undefined && rate > 0 && this.seeds.uniform() < rate;
  }
}
