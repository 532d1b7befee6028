import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TrainingConfig } from '../config/schema.js';
import { applyAdam, applySgd } from '../runtime/ops/optimizer-updates.js';
import type { Kernels } from '../runtime/policy.js';
import { StoredTensor } from '../runtime/stored-tensor.js';
import { tf } from '../runtime/tf.js';

type OptimizerConfig = TrainingConfig['optimizer'];

export interface OptimizedWeight {
  readonly name: string;
  readonly weights: StoredTensor;
}

/** What differs between updates. */
export interface OptimizerStep {
  /** After the schedule. */
  readonly learningRate: number;
  /** Number of the update, from 1, for Adam's bias correction. */
  readonly update: number;
  /** Gradients are multiplied by it first; default 1. */
  readonly gradientFactor?: number;
  /** Implementation of the ops, from the policy of the model; default `plain`. On a CPU, all give the same bits. */
  readonly kernels?: Kernels;
}

/** Moments that an optimiser keeps for each weight, named `MOMENT.WEIGHT` in checkpoints. */
const MOMENTS: Record<OptimizerConfig['name'], readonly string[]> = {
  adam: ['firstMoment', 'secondMoment'],
  adamw: ['firstMoment', 'secondMoment'],
  sgd: ['accumulated'],
};

/** Adam, AdamW or SGD. Updates a fixed list of weights in place. */
export class Optimizer {
  private readonly moments = new Map<string, StoredTensor>();

  constructor(
    private readonly config: OptimizerConfig,
    private readonly weights: readonly OptimizedWeight[],
  ) {
    try {
      for (const { name, weights: stored } of weights) {
        tf.tidy(() => {
          const zero = tf.zeros([...stored.shape]);
          for (const moment of this.momentNames()) this.moments.set(`${moment}.${name}`, StoredTensor.of(zero));
        });
      }
    } catch (error) {
      // Out of memory: free the moments allocated so far.
      this.dispose();
      throw error;
    }
  }

  /**
   * Updates all weights.
   *
   * @param gradients in the order of the weights; not disposed
   * @throws RangeError if a weight has no gradient
   */
  apply(
    gradients: readonly Tensor[],
    { learningRate, update, gradientFactor = 1, kernels = 'plain' }: OptimizerStep,
  ): void {
    const { name: kind, beta1, beta2, epsilon, momentum, weightDecay } = this.config;
    const all = this.weights.map(({ name, weights }, index) => {
      const gradient = gradients[index];
      if (gradient === undefined) throw new RangeError(`No gradient for ${name}.`);
      return { name, weights, gradient };
    });
    if (kind === 'sgd') {
      const numbers = { learningRate, momentum, gradientFactor };
      for (const { name, weights, gradient } of all)
        applySgd(weights, this.moments.get(`accumulated.${name}`), gradient, numbers);
      return;
    }
    applyAdam(
      all.map(({ name, weights, gradient }) => ({
        weights,
        gradient,
        firstMoment: this.moment('firstMoment', name),
        secondMoment: this.moment('secondMoment', name),
      })),
      {
        learningRate,
        beta1,
        beta2,
        epsilon,
        update,
        weightDecay: kind === 'adamw' ? weightDecay : 0,
        gradientFactor,
      },
      kernels,
    );
  }

  /** Shapes of the moments by name. */
  shapes(): Map<string, readonly number[]> {
    return new Map([...this.moments].map(([name, { shape }]) => [name, shape]));
  }

  /** Copies the moments to host memory, by name, in the layout of their weights. */
  async values(): Promise<Map<string, { shape: readonly number[]; data: Float32Array }>> {
    const values = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const [name, stored] of this.moments) {
      const read = stored.read();
      values.set(name, { shape: stored.shape, data: (await read.data()) as Float32Array });
      read.dispose();
    }
    return values;
  }

  /** @throws RangeError if there is no moment of this name */
  assign(name: string, data: Float32Array): void {
    const stored = this.moments.get(name);
    if (stored === undefined) throw new RangeError(`This optimiser has no moment "${name}".`);
    stored.assignNumbers(data);
  }

  dispose(): void {
    for (const stored of this.moments.values()) stored.dispose();
    this.moments.clear();
  }

  private momentNames(): readonly string[] {
    return this.config.name === 'sgd' && this.config.momentum === 0 ? [] : MOMENTS[this.config.name];
  }

  private moment(moment: string, name: string): StoredTensor {
    const stored = this.moments.get(`${moment}.${name}`);
    if (stored === undefined) throw new RangeError(`This optimiser has no ${moment} of ${name}.`);
    return stored;
  }
}
