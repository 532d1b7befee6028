import type { Rank, Tensor } from '@tensorflow/tfjs-node-gpu';
import { dropout, type DropoutSeeds } from '../runtime/ops/dropout.js';
import type { ComputePolicy } from '../runtime/policy.js';
import type { Parameters, Product } from './parameters.js';

/** Context of one forward pass for all layers: compute policy, products with kernels, and dropout. */
export class ForwardPass {
  readonly policy: ComputePolicy;

  private constructor(
    { policy }: Parameters,
    readonly multiply: Product,
    /** Seeds of the dropout masks; undefined outside training. */
    readonly seeds: DropoutSeeds | undefined,
  ) {
    this.policy = policy;
  }

  /** A differentiable pass. Without `seeds`, dropout is disabled. */
  static training(parameters: Parameters, seeds: DropoutSeeds | undefined): ForwardPass {
    return new ForwardPass(parameters, parameters.multiply, seeds);
  }

  /** A pass without gradients and dropout that uses packed kernels. */
  static decoding(parameters: Parameters): ForwardPass {
    return new ForwardPass(parameters, parameters.multiplyPacked, undefined);
  }

  /** Dropout (Srivastava et al. 2014); returns the input itself outside training. */
  dropout<Shape extends Rank>(input: Tensor<Shape>, rate: number): Tensor<Shape> {
    return dropout(input, rate, this.seeds, this.policy);
  }

  /** Whether training skips a layer in this pass, with probability `rate` (Fan et al. 2020). */
  dropsLayer(rate: number): boolean {
    return this.seeds !== undefined && rate > 0 && this.seeds.uniform() < rate;
  }
}
