import type { Decodable } from '../../src/model/model.js';
import { tf } from '../../src/runtime/tf.js';
import { BOS, EOS } from '../../src/vocab/special.js';

/** Scores of one target sentence by token. */
export interface StepwiseScore {
  /** Natural logarithm of each token's probability, the last one that of `</s>`. */
  readonly logProbabilities: readonly number[];
  /** Number of tokens that have the highest probability at their step. */
  readonly correct: number;
}

/**
 * Scores a target sentence by running the decoder step by step as beam search does, with the softmax in double
 * precision: slow, but independent of teacher forcing, batches and padding.
 *
 * @param source ids without `</s>`
 * @param target ids without `<s>` and `</s>`
 */
export function stepwiseScore(model: Decodable, source: readonly number[], target: readonly number[]): StepwiseScore {
  const logProbabilities: number[] = [];
  let correct = 0;
  tf.tidy(() => {
    const encoded = model.encode(
      tf.tensor2d([[...source, EOS]], undefined, 'int32'),
      tf.tensor1d([source.length + 1], 'int32'),
    );
    let { state } = encoded;
    let previous = BOS;
    for (const [position, label] of [...target, EOS].entries()) {
      const step = model.decodeStep({
        memory: encoded.memory,
        state,
        position,
        previous: tf.tensor1d([previous], 'int32'),
      });
      const logits = [...step.logits.values().dataSync()];
      const largest = Math.max(...logits);
      const logSum = largest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
      logProbabilities.push(logits[label]! - logSum);
      if (logits.indexOf(largest) === label) correct++;
      ({ state } = step);
      previous = label;
    }
  });
  return { logProbabilities, correct };
}
