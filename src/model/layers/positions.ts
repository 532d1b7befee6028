import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { S2sError } from '../../errors.js';
import { tf } from '../../runtime/tf.js';
import { normal } from '../initializers.js';
import type { ParameterSpec, Parameters } from '../parameters.js';

export interface PositionsOptions {
  /** Prefix of the parameter, and part of the keys in messages: `encoder`. */
  readonly name: string;
  readonly kind: 'sinusoidal' | 'learned';
  readonly size: number;
  /** Number of learned positions. */
  readonly maxPositions: number;
  /** Whether embeddings are multiplied by the square root of their size first. */
  readonly scaleEmbeddings: boolean;
}

/**
 * The input of a Transformer: embeddings, scaled by `sqrt(size)`, plus a vector for each position (Vaswani et al. 2017,
 * sections 3.4 and 3.5). Parameters: with `learned`, `NAME.positions [maxPositions, size]`.
 */
export class Positions {
  private table = new Float32Array(0);

  constructor(
    private readonly parameters: () => Parameters,
    private readonly options: PositionsOptions,
  ) {}

  specs(): ParameterSpec[] {
    const { name, kind, size, maxPositions } = this.options;
    if (kind === 'sinusoidal') return [];
    // As large as embeddings are before they are scaled.
    const initializer = normal(size ** -0.5);
    return [{ name: `${name}.positions`, shape: [maxPositions, size], initializer }];
  }

  /**
   * @param embedded `[rows, time, size]`
   * @param first position of the first step
   * @throws S2sError `too-many-positions` if there are not as many learned positions
   */
  add(embedded: Tensor3D, first: number): Tensor3D {
    const { scaleEmbeddings, size } = this.options;
    const scaled = scaleEmbeddings ? tf.mul<Tensor3D>(embedded, Math.sqrt(size)) : embedded;
    return tf.add(scaled, this.vectors(first, embedded.shape[1]));
  }

  /** `[time, size]` */
  private vectors(first: number, time: number): Tensor2D {
    const { name, kind, size, maxPositions } = this.options;
    const end = first + time;
    if (kind === 'sinusoidal') {
      if (this.table.length < end * size) this.table = sinusoidalPositions(2 * end, size);
      return tf.tensor2d(this.table.subarray(first * size, end * size), [time, size]);
    }
    if (end > maxPositions) {
      throw new S2sError(
        'too-many-positions',
        `a sentence has ${end} tokens, but the model has learned ${maxPositions} positions ` +
          `(model.${name}.maxPositions)`,
        {
          hint: 'Split or remove long sentences, or train a model with more positions, or with positions: sinusoidal.',
        },
      );
    }
    return tf.slice(this.parameters().get<Tensor2D>(`${name}.positions`), [first, 0], [time, size]);
  }
}

/**
 * Sinusoidal positions in the layout of Marian models in Hugging Face Transformers: column `i` of the first half is
 * `sin(position / 10000^(2i / size))`, column `i` of the second half the cosine.
 *
 * @returns `[positions, size]`, row by row
 */
export function sinusoidalPositions(positions: number, size: number): Float32Array<ArrayBuffer> {
  const table = new Float32Array(positions * size);
  const sines = Math.ceil(size / 2);
  for (let position = 0; position < positions; position++) {
    for (let column = 0; column < size; column++) {
      const angle = position / 10000 ** ((2 * (column % sines)) / size);
      table[position * size + column] = column < sines ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return table;
}
