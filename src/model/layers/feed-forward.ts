import type { Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { gate, type Activation } from '../../runtime/ops/activation.js';
import type { Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import { glorot, zeros } from '../initializers.js';
import type { ParameterSpec } from '../parameters.js';

export interface FeedForwardOptions {
  readonly name: string;
  readonly size: number;
  /** Width between the two products. */
  readonly innerSize: number;
  /** `swiglu` multiplies two projections, one of them after `swish` (Shazeer 2020, equation 6). */
  readonly activation: Exclude<Activation, 'tanh'> | 'swiglu';
  /** Dropout after the activation. */
  readonly dropout: number;
}

/**
 * Position-wise feed-forward network, `activation(x W1 + b1) W2 + b2` (Vaswani et al. 2017, equation 2).
 *
 * Parameters: `inputKernel [size, inner]` and `inputBias [inner]` (with `swiglu` twice as wide: the gate, then the
 * gated values), `outputKernel [inner, size]`, `outputBias [size]`.
 */
export class FeedForward {
  constructor(private readonly options: FeedForwardOptions) {}

  specs(): ParameterSpec[] {
    const { name, size, innerSize } = this.options;
    const inputs = this.projections * innerSize;
    return [
      { name: `${name}.inputKernel`, shape: [size, inputs], initializer: glorot(size, innerSize) },
      { name: `${name}.inputBias`, shape: [inputs], initializer: zeros() },
      { name: `${name}.outputKernel`, shape: [innerSize, size], initializer: glorot(innerSize, size) },
      { name: `${name}.outputBias`, shape: [size], initializer: zeros() },
    ];
  }

  /** `[rows, size]` to `[rows, size]`. */
  apply(input: Tensor2D, pass: ForwardPass): Tensor2D {
    const { name, activation, dropout } = this.options;
    const isGated = activation === 'swiglu';
    const options = { bias: `${name}.inputBias`, ...(isGated ? {} : { activation }) };
    const projected = pass.multiply(input, `${name}.inputKernel`, options);
    const inner = isGated ? gate(projected, 'swish', pass.policy) : projected;
    return pass.multiply(pass.dropout(inner, dropout), `${name}.outputKernel`, { bias: `${name}.outputBias` });
  }

  cost(rows: number): Cost {
    const { name, size, innerSize, activation, dropout } = this.options;
    const columns = this.projections * innerSize;
    // Projections and their gradients; with a gate its results, after dropout the same; the output and the gradient of
    // the input.
    const results = (activation === 'swiglu' ? 2 : 0) + (dropout > 0 ? 2 : 0);
    const inner = 2 * columns + results * innerSize;
    return {
      products: [
        { name: `${name}.input`, count: 1, rows, inner: size, columns },
        { name: `${name}.output`, count: 1, rows, inner: innerSize, columns: size },
      ],
      values: rows * (inner + 2 * size),
    };
  }

  private get projections(): number {
    return this.options.activation === 'swiglu' ? 2 : 1;
  }
}
