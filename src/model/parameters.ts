import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { Random } from '../random.js';
import type { Activation } from '../runtime/ops/activation.js';
import { linear } from '../runtime/ops/linear.js';
import { packedProduct, packKernel, type PackedKernel } from '../runtime/ops/packed-product.js';
import type { ComputePolicy } from '../runtime/policy.js';
import { StoredTensor } from '../runtime/stored-tensor.js';
import { tf } from '../runtime/tf.js';
import type { Initializer } from './initializers.js';

/** A parameter of a model: its name in checkpoints, its shape, and its initializer. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initializer: Initializer;
}

/**
 * Product of `[rows, inner]` and a kernel `[inner, columns]`, plus a bias `[columns]`; kernel and bias by name. The
 * activation is applied to the sum.
 */
export type Product = (
  input: Tensor2D,
  kernel: string,
  options?: { bias?: string | undefined; activation?: Activation | undefined },
) => Tensor2D;

/** The parameters of a model by name. Values live in stored tensors, which the optimiser updates in place. */
export class Parameters {
  /** Compute policy of the model that owns these parameters. */
  readonly policy: ComputePolicy;
  private readonly stored = new Map<string, StoredTensor>();
  private readonly reads = new Map<string, Tensor>();
  private readonly packed = new Map<string, PackedKernel>();

  /**
   * Creates every parameter. Each parameter has its own random stream, derived from its name. Without `random`,
   * parameters are left uninitialised, and every one must be assigned before it is read.
   */
  constructor(
    specs: readonly ParameterSpec[],
    { random, policy }: { random: Random | undefined; policy: ComputePolicy },
  ) {
    this.policy = policy;
    try {
      for (const spec of specs) {
        const stored = new StoredTensor(spec.shape);
        this.stored.set(spec.name, stored);
        if (random === undefined) continue;
        const values = new Float32Array(elementsIn(spec.shape));
        spec.initializer(random.derive(spec.name), values);
        stored.assignNumbers(values);
      }
    } catch (error) {
      // Memory may be exhausted after some allocations.
      this.dispose();
      throw error;
    }
  }

  /** Names in the order of creation. */
  get names(): string[] {
    return [...this.stored.keys()];
  }

  /** Number of weights in all parameters. */
  get count(): number {
    return [...this.stored.values()].reduce((sum, { shape }) => sum + elementsIn(shape), 0);
  }

  has(name: string): boolean {
    return this.stored.has(name);
  }

  /** Current value of a parameter. It belongs to this object and is valid until `release`. */
  get<Value extends Tensor = Tensor>(name: string): Value {
    let read = this.reads.get(name);
    if (read === undefined) {
      read = tf.keep(this.storedTensor(name).read());
      this.reads.set(name, read);
    }
    return read as Value;
  }

  /** A product with a gradient, for training. */
  readonly multiply: Product = (input, kernel, { bias, activation } = {}) =>
    linear(input, this.get<Tensor2D>(kernel), this.policy, { bias: this.optional(bias), activation });

  /** A product without a gradient on a packed kernel, for decoding. */
  readonly multiplyPacked: Product = (input, kernel, { bias, activation } = {}) =>
    packedProduct(input, this.packedKernel(kernel), { bias: this.optional(bias), activation });

  /**
   * A kernel in the layout that is fastest for products without a gradient. Packed at the first call after construction
   * or `release`.
   *
   * @param name of a parameter `[inner, columns]`, or `[columns, inner]` with `transposed`
   */
  packedKernel(name: string, transposed = false): PackedKernel {
    const key = transposed ? `${name} transposed` : name;
    let packed = this.packed.get(key);
    if (packed === undefined) {
      packed = packKernel(this.get<Tensor2D>(name), this.policy, transposed);
      tf.keep(packed.tensor);
      this.packed.set(key, packed);
    }
    return packed;
  }

  /** The stored tensor of a parameter, for the optimiser and for checkpoints. */
  storedTensor(name: string): StoredTensor {
    const stored = this.stored.get(name);
    if (stored === undefined) throw new RangeError(`This model has no parameter "${name}".`);
    return stored;
  }

  /** Disposes all values that `get` has read. Call it before in-place updates, which copy any buffer still in use. */
  release(): void {
    for (const read of this.reads.values()) read.dispose();
    this.reads.clear();
    for (const { tensor } of this.packed.values()) tensor.dispose();
    this.packed.clear();
  }

  /** Copies all values to the host. */
  async values(): Promise<Map<string, { shape: readonly number[]; data: Float32Array }>> {
    const values = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const [name, stored] of this.stored) {
      const read = stored.read();
      values.set(name, { shape: stored.shape, data: (await read.data()) as Float32Array });
      read.dispose();
    }
    return values;
  }

  /** Replaces the value of one parameter. Throws a RangeError when the length does not fit its shape. */
  assign(name: string, data: Float32Array): void {
    this.release();
    this.storedTensor(name).assignNumbers(data);
  }

  dispose(): void {
    this.release();
    for (const stored of this.stored.values()) stored.dispose();
    this.stored.clear();
  }

  private optional(bias: string | undefined): Tensor1D | undefined {
    return bias === undefined ? undefined : this.get<Tensor1D>(bias);
  }
}

function elementsIn(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
