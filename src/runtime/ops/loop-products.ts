import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { withGradient } from './gradient.js';
import { packedProduct, packKernel, type PackedKernel } from './packed-product.js';
import { inFloat32, padRowsInPrecision, productOf } from './product.js';

/** The factors of all products with one kernel, and the gradients of their results. */
interface Factors {
  readonly inputs: Tensor2D[];
  readonly gradients: Tensor2D[];
}

/**
 * Products with the same kernels in every step of a loop over time.
 *
 * The gradient of each kernel is one product over all steps, computed after the last one, instead of a sum of one
 * gradient per step, and kernels are packed once. This works because tfjs runs the gradients in the reverse order of
 * the ops: that of `begin`, which is called before the first step, follows those of all products.
 */
export class LoopProducts {
  private readonly factors = new Map<string, Factors>();
  private readonly packed = new Map<string, PackedKernel>();
  private readonly transposed = new Map<string, PackedKernel>();

  /** @param weights kernels `[inner, columns]` and biases `[columns]` by name */
  constructor(
    private readonly weights: ReadonlyMap<string, Tensor>,
    private readonly policy: ComputePolicy,
  ) {}

  /**
   * Returns `start` unchanged, and takes the gradients of the weights. Every step must depend on the result, and call it
   * before the first product.
   */
  begin<Start extends Tensor>(start: Start): Start {
    return withGradient<Start>(
      [start, ...this.weights.values()],
      () => start.clone() as Start,
      (gradient) => {
        const gradients = [...this.weights].map(([name, weight]) => this.gradientOf(name, weight));
        // This gradient is the last of the loop.
        for (const { tensor } of this.transposed.values()) tensor.dispose();
        this.transposed.clear();
        return [gradient, ...gradients];
      },
    );
  }

  /**
   * `input kernel + bias`, both by name.
   *
   * @param input `[rows, inner]`
   */
  multiply(input: Tensor2D, kernel: string, bias: string | undefined): Tensor2D {
    // Packed here, because tensors made within an op are disposed after it.
    const packed = this.packedKernel(kernel);
    const added = bias === undefined ? undefined : (this.weights.get(bias) as Tensor1D);
    return withGradient<Tensor2D>(
      [input],
      (save) => {
        save([input]);
        return packedProduct(input, packed, { bias: added });
      },
      (gradient, [saved]) => {
        this.remember(kernel, saved as Tensor2D, gradient);
        if (bias !== undefined) this.remember(bias, saved as Tensor2D, gradient);
        return [packedProduct(gradient, this.transposedKernel(kernel))];
      },
    );
  }

  private gradientOf(name: string, weight: Tensor): Tensor {
    const factors = this.factors.get(name);
    if (factors === undefined) return tf.zerosLike(weight);
    return tf.tidy(() => {
      const gradients = tf.concat(factors.gradients, 0);
      if (weight.rank === 1) return tf.sum(gradients, 0);
      const inputs = padRowsInPrecision(tf.concat(factors.inputs, 0), this.policy);
      const product = productOf(inputs, padRowsInPrecision(gradients, this.policy), this.policy, { a: true });
      return inFloat32<Tensor>(product, this.policy.precision);
    });
  }

  private remember(name: string, input: Tensor2D, gradient: Tensor2D): void {
    let factors = this.factors.get(name);
    if (factors === undefined) this.factors.set(name, (factors = { inputs: [], gradients: [] }));
    factors.inputs.push(input);
    factors.gradients.push(gradient);
  }

  private packedKernel(name: string): PackedKernel {
    let packed = this.packed.get(name);
    if (packed === undefined) {
      packed = packKernel(this.weights.get(name) as Tensor2D, this.policy);
      this.packed.set(name, packed);
    }
    return packed;
  }

  /** The transposed kernel is packed in the first gradient, because tensors of the forward pass are disposed before. */
  private transposedKernel(name: string): PackedKernel {
    let packed = this.transposed.get(name);
    if (packed === undefined) {
      packed = packKernel(this.weights.get(name) as Tensor2D, this.policy, true);
      // The gradients of a step are computed in a scope of their own.
      tf.keep(packed.tensor);
      this.transposed.set(name, packed);
    }
    return packed;
  }
}
