import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { TrainableModel } from '../../src/model/model.js';
import { tf } from '../../src/runtime/tf.js';
import { BOS, EOS } from '../../src/vocab/special.js';

/** A sentence pair as token ids, without `<s>` and `</s>`. */
export interface SentencePair {
  readonly source: readonly number[];
  readonly target: readonly number[];
}

/** Contribution of one sentence pair to the loss of a batch. */
export interface SentenceLoss {
  /** Cross-entropy with label smoothing, summed over the target tokens. */
  readonly loss: number;
  /** Cross-entropy without label smoothing, summed over the target tokens. */
  readonly negativeLogLikelihood: number;
  /** Number of target tokens that have the largest logit. */
  readonly correct: number;
  /** For each target token, the largest logit minus the second largest one. */
  readonly margins: readonly number[];
  /** Gradient of `loss` with respect to each of `model.parameters.names`. */
  readonly gradients: readonly ArrayLike<number>[];
}

/** Parameters by name. */
type Weights = (name: string) => Tensor;

/**
 * Reference implementation of the loss of one sentence pair and its gradients, with elementary tfjs ops, without
 * batches or padding, and without code of the model.
 *
 * @param model supplies the weights. One bidirectional encoder layer, one decoder layer, general attention, projection
 *   bridge, separate embeddings, no input feeding
 */
export function sentenceLoss(model: TrainableModel, pair: SentencePair, labelSmoothing: number): SentenceLoss {
  return tf.tidy(() => {
    const { names } = model.parameters;
    let logits: number[][] = [];
    let labels: number[] = [];
    let likelihood = 0;
    const { value, grads } = tf.valueAndGrads((...values: Tensor[]) => {
      const result = forward((name) => values[names.indexOf(name)]!, pair, labelSmoothing);
      logits = result.logits.arraySync();
      likelihood = result.negativeLogLikelihood.dataSync()[0]!;
      ({ labels } = result);
      return result.loss;
    })(names.map((name) => model.parameters.get(name)));
    return {
      loss: value.dataSync()[0]!,
      negativeLogLikelihood: likelihood,
      correct: logits.filter((row, position) => row.indexOf(Math.max(...row)) === labels[position]).length,
      margins: logits.map((row) => {
        const [first, second] = [...row].sort((a, b) => b - a);
        return first! - second!;
      }),
      gradients: grads.map((gradient) => gradient.dataSync()),
    };
  });
}

function forward(
  weights: Weights,
  { source, target }: SentencePair,
  labelSmoothing: number,
): { loss: Tensor; negativeLogLikelihood: Tensor; logits: Tensor2D; labels: number[] } {
  const embedded = rowsOf(weights('source.embedding'), [...source, EOS]);
  const ahead = lstm(weights, 'encoder.layers.0.forward', embedded);
  const back = lstm(weights, 'encoder.layers.0.backward', [...embedded].reverse());
  const values = tf.stack(
    embedded.map((_, time) => tf.concat([ahead.outputs[time]!, back.outputs[embedded.length - 1 - time]!], 1).as1D()),
  ) as Tensor2D;
  const bridge = (part: 'hidden' | 'cell'): Tensor2D => {
    const prefix = `bridge.layers.0.${part}`;
    return tf.tanh(
      tf.add(
        tf.matMul(tf.concat([ahead[part], back[part]], 1), weights(`${prefix}.kernel`) as Tensor2D),
        weights(`${prefix}.bias`),
      ),
    );
  };
  const inputs = rowsOf(weights('target.embedding'), [BOS, ...target]);
  const decoded = lstm(weights, 'decoder.layers.0', inputs, { hidden: bridge('hidden'), cell: bridge('cell') });
  const queries = tf.concat(decoded.outputs, 0);
  const keys = tf.matMul(values, weights('attention.keyKernel') as Tensor2D);
  const contexts = tf.matMul(tf.softmax(tf.matMul(queries, keys, false, true)), values);
  const hidden = tf.tanh(tf.matMul(tf.concat([contexts, queries], 1), weights('attention.outputKernel') as Tensor2D));
  const logits = tf.add<Tensor2D>(
    tf.matMul(hidden, weights('output.kernel') as Tensor2D, false, true),
    weights('output.bias'),
  );
  const labels = [...target, EOS];
  const oneHot = tf.oneHot(tf.tensor1d(labels, 'int32'), logits.shape[1]);
  const logProbabilities = tf.logSoftmax(logits);
  const negativeLogLikelihood = tf.neg(tf.sum(tf.mul(logProbabilities, oneHot)));
  const wanted = tf.add(tf.mul(oneHot, 1 - labelSmoothing), labelSmoothing / logits.shape[1]);
  return { loss: tf.neg(tf.sum(tf.mul(logProbabilities, wanted))), negativeLogLikelihood, logits, labels };
}

/** An LSTM, step by step. Tensors have one row. */
function lstm(
  weights: Weights,
  name: string,
  inputs: readonly Tensor2D[],
  start?: { hidden: Tensor2D; cell: Tensor2D },
): { outputs: Tensor2D[]; hidden: Tensor2D; cell: Tensor2D } {
  const kernel = weights(`${name}.inputKernel`) as Tensor2D;
  const recurrentKernel = weights(`${name}.recurrentKernel`) as Tensor2D;
  const size = recurrentKernel.shape[0];
  let { hidden, cell } = start ?? { hidden: tf.zeros([1, size]) as Tensor2D, cell: tf.zeros([1, size]) as Tensor2D };
  const outputs = inputs.map((input) => {
    const sums = tf.add(tf.add(tf.matMul(input, kernel), tf.matMul(hidden, recurrentKernel)), weights(`${name}.bias`));
    const [i, f, g, o] = tf.split(sums, 4, 1) as [Tensor2D, Tensor2D, Tensor2D, Tensor2D];
    cell = tf.add(tf.mul(tf.sigmoid(f), cell), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    hidden = tf.mul(tf.sigmoid(o), tf.tanh(cell));
    return hidden;
  });
  return { outputs, hidden, cell };
}

function rowsOf(table: Tensor, ids: readonly number[]): Tensor2D[] {
  return ids.map((id) => tf.gather(table, tf.tensor1d([id], 'int32') as Tensor1D) as Tensor2D);
}
