import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { linearRecurrence } from '../../runtime/ops/linear-recurrence.js';
import { tf } from '../../runtime/tf.js';
import type { Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import { glorot, zeros } from '../initializers.js';
import type { ParameterSpec, Parameters } from '../parameters.js';

export interface SsruOptions {
  readonly parameters: () => Parameters;
  /** Prefix of the names of the parameters. */
  readonly name: string;
  readonly size: number;
}

/**
 * Simpler simple recurrent unit (Kim et al. 2019, section 4.2), which takes the place of the self-attention in a fast
 * decoder: `f = sigmoid(x Wf + b)`, `c_t = f * c_(t-1) + (1 - f) * (x W)`, and the output is `relu(c_t)`.
 *
 * Parameters: `kernel [size, 2 * size]`, the columns of `W`, then those of `Wf`; `forgetBias [size]`.
 */
export class Ssru {
  constructor(private readonly options: SsruOptions) {}

  specs(): ParameterSpec[] {
    const { name, size } = this.options;
    return [
      { name: `${name}.kernel`, shape: [size, 2 * size], initializer: glorot(size, size) },
      { name: `${name}.forgetBias`, shape: [size], initializer: zeros() },
    ];
  }

  /** The cell before the first step, `[rows, size]`. */
  initialState(rows: number): Tensor[] {
    return [tf.zeros([rows, this.options.size])];
  }

  /** Whole sentences from a zero cell: `[batch * time, size]` to the same shape. */
  sequence(input: Tensor2D, batch: number, pass: ForwardPass): Tensor2D {
    const [forget, candidate] = this.project(input, pass).map((part) =>
      tf.reshape(part, [batch, -1, this.options.size]),
    ) as [Tensor3D, Tensor3D];
    return tf.reshape(tf.relu(linearRecurrence(forget, candidate)), input.shape);
  }

  /** One step, `[rows, size]` to the same shape. */
  step(input: Tensor2D, [cell]: readonly Tensor[], pass: ForwardPass): { output: Tensor2D; state: Tensor[] } {
    const [forget, candidate] = this.project(input, pass);
    const next = tf.add<Tensor2D>(tf.mul(forget, cell as Tensor2D), candidate);
    return { output: tf.relu(next), state: [next] };
  }

  cost({ sentences, time }: { readonly sentences: number; readonly time: number }): Cost {
    const { name, size } = this.options;
    const rows = sentences * time;
    return {
      products: [{ name: `${name}.input`, count: 1, rows, inner: size, columns: 2 * size }],
      // The product and its halves, gate, candidate, cells and outputs; the gradients of all, and of the input.
      values: 22 * rows * size,
    };
  }

  /** `f` and `(1 - f) * (x W)` for each row. */
  private project(input: Tensor2D, { multiply }: ForwardPass): [forget: Tensor2D, candidate: Tensor2D] {
    const { name, parameters } = this.options;
    const [candidate, gate] = tf.split(multiply(input, `${name}.kernel`), 2, 1) as [Tensor2D, Tensor2D];
    const forget = tf.sigmoid(tf.add<Tensor2D>(gate, parameters().get<Tensor1D>(`${name}.forgetBias`)));
    return [forget, tf.mul(tf.sub(1, forget), candidate)];
  }
}
