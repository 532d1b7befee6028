import type { Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../../runtime/tf.js';
import type { Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import { glorot, zeros } from '../initializers.js';
import type { EncodedSource, LayerState, StateShape } from '../model.js';
import type { ParameterSpec } from '../parameters.js';

/** Initial state of a decoder: a learned projection of the encoder's final state, a copy of it, or zero. */
export type BridgeType = 'projection' | 'copy' | 'zero';

/** Options of a bridge. */
export interface BridgeOptions {
  readonly type: BridgeType;
  /** Width of the encoder's outputs. */
  readonly encoderSize: number;
  /** Shape of the encoder's final state; undefined when it has none. */
  readonly from: StateShape | undefined;
  /** Shape of the decoder's state. */
  readonly to: StateShape;
}

/**
 * Computes the initial state of a recurrent decoder. Layer N is initialised from encoder layer N, or from the last
 * encoder layer if there are fewer. `projection` is `tanh(W s + b)` with separate weights for every layer and part.
 *
 * If the encoder's state lacks a part (a GRU has no cell), its first part is used instead. If the encoder has no final
 * state (a Transformer), the mean of its outputs over real tokens is used.
 */
export class Bridge {
  constructor(private readonly options: BridgeOptions) {}

  specs(): ParameterSpec[] {
    const { type, from, to, encoderSize } = this.options;
    if (type !== 'projection') return [];
    const size = from?.size ?? encoderSize;
    return Array.from({ length: to.layers }, (_, layer) =>
      to.parts.flatMap((part) => [
        { name: `${nameOf(layer, part)}.kernel`, shape: [size, to.size], initializer: glorot(size, to.size) },
        { name: `${nameOf(layer, part)}.bias`, shape: [to.size], initializer: zeros() },
      ]),
    ).flat();
  }

  /** @returns for each decoder layer the parts of its state, `[batch, size]` each */
  initialState(source: EncodedSource, pass: ForwardPass): LayerState[] {
    const { type, to } = this.options;
    const batch = source.mask.shape[0];
    if (type === 'zero') {
      return Array.from({ length: to.layers }, () => to.parts.map((): Tensor2D => tf.zeros([batch, to.size])));
    }
    const states = source.finalState ?? [[meanOverTime(source)]];
    return Array.from({ length: to.layers }, (_, layer) => {
      const state = states[Math.min(layer, states.length - 1)]!;
      return to.parts.map((part, which) => {
        const from = state[which] ?? state[0]!;
        if (type === 'copy') return from;
        const name = nameOf(layer, part);
        return pass.multiply(from, `${name}.kernel`, { bias: `${name}.bias`, activation: 'tanh' });
      });
    });
  }

  cost(sentences: number): Cost {
    const { type, from, to, encoderSize } = this.options;
    if (type !== 'projection') return { products: [], values: 0 };
    const inner = from?.size ?? encoderSize;
    const count = to.layers * to.parts.length;
    return {
      products: [{ name: 'bridge', count, rows: sentences, inner, columns: to.size }],
      values: 2 * count * sentences * (inner + to.size),
    };
  }
}

function nameOf(layer: number, part: string): string {
  return `bridge.layers.${layer}.${part}`;
}

/** Mean of the outputs `[batch, srcTime, size]` over real tokens: `[batch, size]`. */
function meanOverTime({ outputs, mask }: EncodedSource): Tensor2D {
  return tf.div(tf.sum(outputs, 1), tf.sum(mask, 1, true));
}
