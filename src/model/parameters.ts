import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { Random } from '../random.js';
import { matMul } from '../runtime/ops/matmul.js';
import { packedProduct, packKernel, type PackedKernel } from '../runtime/ops/packed-product.js';
import { StoredTensor } from '../runtime/stored-tensor.js';
import { tf } from '../runtime/tensorflow.js';

/** A weight that a model needs: its stable name in checkpoints, its shape, and how it starts. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: (random: Random, values: Float32Array) => void;
}

/** Zero everywhere. */
export function zeros(): ParameterSpec['start'] {
  return () => undefined;
}

/** The same number everywhere. */
export function constant(value: number): ParameterSpec['start'] {
  return (_random, values) => void values.fill(value);
}

/** Uniform between -limit and limit. */
export function uniform(limit: number): ParameterSpec['start'] {
  return (random, values) => {
    for (let i = 0; i < values.length; i++) values[i] = (2 * random.uniform() - 1) * limit;
  };
}

/** Uniform with the variance that keeps activations and gradients level (Glorot and Bengio 2010, equation 16). */
export function glorot(inputs: number, outputs: number): ParameterSpec['start'] {
  return uniform(Math.sqrt(6 / (inputs + outputs)));
}

/** Bias of an LSTM, `[4 * hidden]`: zero, but one for the forget gate (Jozefowicz et al. 2015). */
export function forgetGateBias(hiddenSize: number): ParameterSpec['start'] {
  return (_random, values) => void values.fill(1, hiddenSize, 2 * hiddenSize);
}

/** The product of `[rows, inner]` with a kernel `[inner, columns]`, plus a bias `[columns]`, both by name, and of that the hyperbolic tangent with `tanh`. */
export type Product = (input: Tensor2D, kernel: string, options?: { bias?: string; tanh?: boolean }) => Tensor2D;

/**
 * The weights of a model by name. Values live in stored tensors that the optimiser updates in place; `get` reads them.
 */
export class Parameters {
  private readonly stored = new Map<string, StoredTensor>();
  private readonly reads = new Map<string, Tensor>();
  private readonly packed = new Map<string, PackedKernel>();

  /**
   * Creates every parameter with its start value, each drawn from a generator of its own name; without one none has a
   * value, and all are to be assigned before they are read.
   */
  constructor(specs: readonly ParameterSpec[], random: Random | undefined) {
    try {
      for (const spec of specs) {
        const stored = new StoredTensor(spec.shape);
        this.stored.set(spec.name, stored);
        if (random === undefined) continue;
        const values = new Float32Array(spec.shape.reduce((product, size) => product * size, 1));
        spec.start(random.derive(spec.name), values);
        stored.assignNumbers(values);
      }
    } catch (error) {
      // Memory may run out in the middle.
      this.dispose();
      throw error;
    }
  }

  /** Names in the order of creation. */
  get names(): string[] {
    return [...this.stored.keys()];
  }

  /** Number of weights in all parameters together. */
  get count(): number {
    return [...this.stored.values()].reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  }

  has(name: string): boolean {
    return this.stored.has(name);
  }

  /** The present value of a parameter; belongs to this object and is valid until `release`. */
  get<Value extends Tensor = Tensor>(name: string): Value {
    let read = this.reads.get(name);
    if (read === undefined) {
      read = tf.keep(this.storedTensor(name).read());
      this.reads.set(name, read);
    }
    return read as Value;
  }

  /** A product with a gradient, for training. */
  readonly multiply: Product = (input, kernel, { bias, tanh = false } = {}) => {
    const product = matMul(input, this.get<Tensor2D>(kernel), { bias: bias === undefined ? undefined : this.get<Tensor1D>(bias) });
    return tanh ? tf.tanh(product) : product;
  };

  /** A product without one, for decoding. */
  readonly multiplyPacked: Product = (input, kernel, { bias, tanh } = {}) => packedProduct(input, this.packedKernel(kernel), { bias: bias === undefined ? undefined : this.get<Tensor1D>(bias), tanh });

  /**
   * A kernel laid out for products without a gradient: at the first call, and again after `release`.
   *
   * @param name of a parameter `[inner, columns]`, or `[columns, inner]` with `transposed`
   */
  packedKernel(name: string, transposed = false): PackedKernel {
    const key = transposed ? `${name} transposed` : name;
    let packed = this.packed.get(key);
    if (packed === undefined) {
      packed = packKernel(this.get<Tensor2D>(name), transposed);
      tf.keep(packed.tensor);
      this.packed.set(key, packed);
    }
    return packed;
  }

  /** The tensor behind a parameter, for the optimiser and for checkpoints. */
  storedTensor(name: string): StoredTensor {
    const stored = this.stored.get(name);
    if (stored === undefined) throw new RangeError(`This model has no parameter "${name}".`);
    return stored;
  }

  /** Lets go of all values that `get` has read: before an update in place, which would copy a buffer still in use. */
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
}
