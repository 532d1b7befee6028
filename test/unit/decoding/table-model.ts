import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { Decodable, DecodeStep, DecodeStepInput, PreparedSource } from '../../../src/model/model.js';
import { Random } from '../../../src/random.js';
import { precomputedLogits } from '../../../src/runtime/ops/best-tokens.js';
import { tf } from '../../../src/runtime/tf.js';
import { BOS } from '../../../src/vocab/special.js';

/** Number of contexts in the table: enough to make ties rare. */
const CONTEXTS = 9973;

/**
 * A model that looks up its next-token logits in a table by a hash of the source and all previous tokens. Like a real
 * model it depends on encoder memory, state and last token, but it can also be computed in plain TypeScript.
 */
export class TableModel implements Decodable {
  /** Logits of each context, `[CONTEXTS][vocab]`. */
  readonly table: number[][];
  /** Number of rows of every step so far. */
  readonly rowsOfSteps: number[] = [];
  private readonly values: Float32Array;

  constructor(
    readonly targetVocabularySize: number,
    seed: number,
    change: (logits: number[]) => number[] = (logits) => logits,
  ) {
    const random = new Random(seed);
    this.table = Array.from({ length: CONTEXTS }, () =>
      change(Array.from({ length: targetVocabularySize }, () => 2 * random.normal())),
    );
    this.values = Float32Array.from(this.table.flat());
  }

  encode(source: Tensor2D, sourceLengths: Tensor1D): PreparedSource {
    const time = source.shape[1];
    const mask: Tensor2D = tf.cast(
      tf.less(tf.expandDims(tf.range(0, time, 1, 'int32'), 0), tf.expandDims(sourceLengths, 1)),
      'float32',
    );
    const values: Tensor3D = tf.mul(tf.expandDims(tf.cast(source, 'float32'), 2), tf.expandDims(mask, 2));
    return {
      memory: [values, values, mask],
      state: [tf.mod(tf.sum(tf.squeeze<Tensor2D>(values, [2]), 1, true), CONTEXTS)],
    };
  }

  decodeStep({ memory, state, previous }: DecodeStepInput): DecodeStep {
    const [values, , mask] = memory as [Tensor3D, Tensor3D, Tensor2D];
    const rows = previous.shape[0];
    this.rowsOfSteps.push(rows);
    const batch = mask.shape[0];
    const ofSource = tf.sum(tf.squeeze<Tensor2D>(values, [2]), 1, true);
    const perSentence = tf.reshape(
      tf.add(tf.mul(state[0] as Tensor2D, 131), tf.mul(tf.expandDims(tf.cast(previous, 'float32'), 1), 37)),
      [batch, rows / batch],
    );
    const context: Tensor2D = tf.reshape(tf.mod(tf.add(tf.add(perSentence, tf.mul(ofSource, 2)), 1), CONTEXTS), [
      rows,
      1,
    ]);
    const logits: Tensor2D = tf.gather(
      tf.tensor2d(this.values, [CONTEXTS, this.targetVocabularySize]),
      tf.cast(tf.reshape(context, [rows]), 'int32'),
    );
    const attended = tf.div(mask, tf.sum(mask, 1, true));
    const attention: Tensor3D = tf.tile(tf.expandDims(attended, 1), [1, rows / batch, 1]);
    return { logits: precomputedLogits(logits), state: [context], attention };
  }

  /** Log-probabilities of the next token in plain TypeScript, `[vocab]`. */
  logProbabilities(source: readonly number[], tokens: readonly number[]): number[] {
    const sum = source.reduce((total, token) => total + token, 0);
    let context = sum % CONTEXTS;
    for (const token of [BOS, ...tokens]) context = (context * 131 + token * 37 + sum * 2 + 1) % CONTEXTS;
    const logits = this.table[context]!;
    const largest = Math.max(...logits);
    const logSum = largest + Math.log(logits.reduce((total, logit) => total + Math.exp(logit - largest), 0));
    return logits.map((logit) => logit - logSum);
  }
}

/** Sentences of 1 to `maxLength` tokens, `</s>` included. */
export function randomSources(count: number, maxLength: number, seed: number): number[][] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => [
    ...Array.from({ length: random.integer(maxLength) }, () => 4 + random.integer(20)),
    3,
  ]);
}
