import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Batch } from '../../../src/data/batch.js';
import { evaluateLoss } from '../../../src/loss/evaluate.js';
import { scoreBatch } from '../../../src/loss/score.js';
import { sequenceLoss } from '../../../src/loss/sequence-loss.js';
import { toTensors } from '../../../src/model/batch-tensors.js';
import { buildModel } from '../../../src/model/build.js';
import type { TrainableModel } from '../../../src/model/model.js';
import { Random } from '../../../src/random.js';
import { loadTensorFlow, policyFor } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { computeGradients } from '../../../src/training/gradients.js';
import { batchOf, THREE_PAIRS, tinyModel } from '../../support/models.js';

const VOCABULARY = 12;
const TOKENS = 12;

/** Inputs of the loss in double precision: `kernel` and `bias` by token, `rows` by sentence and step. */
interface PlainInputs {
  readonly kernel: number[][];
  readonly bias: number[];
  /** Decoder outputs and labels of each sentence, without padding. */
  readonly rows: readonly (readonly { hidden: number[]; label: number }[])[];
}

async function plainInputs(model: TrainableModel, batch: Batch): Promise<PlainInputs> {
  const values = await model.parameters.values();
  const { data: kernel, shape } = values.get(model.outputKernel)!;
  const width = shape[1]!;
  const outputs = tf.tidy(() => model.teacherForcing(toTensors(batch)).hidden.arraySync());
  return {
    kernel: Array.from({ length: VOCABULARY }, (_, id) => [...kernel.subarray(id * width, (id + 1) * width)]),
    bias: [...values.get(model.outputBias)!.data],
    rows: Array.from({ length: batch.batch }, (_, row) =>
      Array.from({ length: batch.targetLengths[row]! }, (__, time) => ({
        hidden: outputs[row * batch.targetTime + time]!,
        label: batch.labels[row * batch.targetTime + time]!,
      })),
    ),
  };
}

/** Log-probabilities of all tokens at one position. */
function logProbabilities({ kernel, bias }: PlainInputs, hidden: readonly number[]): number[] {
  const logits = kernel.map((weights, id) => weights.reduce((sum, weight, i) => sum + weight * hidden[i]!, bias[id]!));
  const normaliser = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return logits.map((logit) => logit - normaliser);
}

/** The definition: cross-entropy with `1 - smoothing` on the label plus `smoothing / vocabulary` on every token. */
function plainLoss(
  inputs: PlainInputs,
  smoothing: number,
  divisor: number,
): { loss: number; negativeLogLikelihood: number; correct: number } {
  let loss = 0;
  let negativeLogLikelihood = 0;
  let correct = 0;
  for (const { hidden, label } of inputs.rows.flat()) {
    const values = logProbabilities(inputs, hidden);
    values.forEach((value, id) => (loss -= value * (smoothing / VOCABULARY + (id === label ? 1 - smoothing : 0))));
    negativeLogLikelihood -= values[label]!;
    if (values.indexOf(Math.max(...values)) === label) correct++;
  }
  return { loss: loss / divisor, negativeLogLikelihood, correct };
}

function lossOf(
  model: TrainableModel,
  batch: Batch,
  labelSmoothing: number,
  divisor: number,
): { loss: number; negativeLogLikelihood: number; correct: number } {
  return tf.tidy(() => {
    const { loss, negativeLogLikelihood, correct } = sequenceLoss(model, toTensors(batch), { labelSmoothing, divisor });
    return {
      loss: loss.arraySync(),
      negativeLogLikelihood: negativeLogLikelihood.arraySync(),
      correct: correct.arraySync(),
    };
  });
}

function assertClose(actual: number, expected: number, message: string, tolerance = 1e-5): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${message}: ${actual}, by the definition ${expected}`,
  );
}

describe('sequence loss', () => {
  let model: TrainableModel;
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
    model = buildModel(
      tinyModel({ initialization: 1 }),
      { source: VOCABULARY, target: VOCABULARY },
      { random: new Random(4), policy: policyFor() },
    );
    // Like a trained model: not all tokens are about equally likely.
    const random = new Random(9);
    for (const [name, { data }] of await model.parameters.values())
      if (name.startsWith('output'))
        model.parameters.assign(
          name,
          data.map(() => 2 * random.normal()),
        );
  });

  for (const smoothing of [0, 0.1, 0.7]) {
    for (const [unit, divisor] of Object.entries({ tokens: TOKENS, sentences: THREE_PAIRS.length })) {
      test(`equals its definition, label smoothing ${smoothing}, divided by ${unit}`, async () => {
        const batch = batchOf(THREE_PAIRS);
        const expected = plainLoss(await plainInputs(model, batch), smoothing, divisor);
        for (const padding of [0, 1, 4]) {
          const actual = lossOf(model, batchOf(THREE_PAIRS, padding), smoothing, divisor);
          assertClose(actual.loss, expected.loss, `loss, padding ${padding}`);
          assertClose(
            actual.negativeLogLikelihood,
            expected.negativeLogLikelihood,
            `negative log-likelihood, padding ${padding}`,
          );
          assert.equal(actual.correct, expected.correct);
        }
        assert.ok(expected.correct > 0 && expected.correct < TOKENS, 'some tokens are right, some wrong');
      });
    }
  }

  test('ignores padding', () => {
    const batch = batchOf(THREE_PAIRS, 2);
    const scribbled = batchOf(THREE_PAIRS, 2);
    for (let row = 0; row < batch.batch; row++) {
      for (let time = batch.targetLengths[row]!; time < batch.targetTime; time++) {
        scribbled.labels[row * batch.targetTime + time] = 7;
        scribbled.decoderInput[row * batch.targetTime + time] = 9;
      }
      for (let time = batch.sourceLengths[row]!; time < batch.sourceTime; time++)
        scribbled.source[row * batch.sourceTime + time] = 5;
    }
    assert.deepEqual(lossOf(model, scribbled, 0.1, 1), lossOf(model, batch, 0.1, 1));
  });

  test('has the gradient of its definition, by finite differences', async () => {
    const batch = batchOf(THREE_PAIRS, 1);
    const inputs = await plainInputs(model, batch);
    const { gradients, ...scalars } = computeGradients(model, batch, { labelSmoothing: 0.2, divisor: 3 });
    const gradientOf = (name: string): Float32Array =>
      gradients[model.parameters.names.indexOf(name)]!.dataSync() as Float32Array;
    const difference = (changed: (by: number) => PlainInputs): number =>
      (plainLoss(changed(1e-5), 0.2, 3).loss - plainLoss(changed(-1e-5), 0.2, 3).loss) / 2e-5;
    const width = inputs.kernel[0]!.length;
    for (let id = 0; id < VOCABULARY; id++) {
      const bias = difference((by) => ({ ...inputs, bias: inputs.bias.with(id, inputs.bias[id]! + by) }));
      assertClose(gradientOf('output.bias')[id]!, bias, `bias of ${id}`);
      for (let i = 0; i < width; i++) {
        const row = inputs.kernel[id]!;
        const weight = difference((by) => ({ ...inputs, kernel: inputs.kernel.with(id, row.with(i, row[i]! + by)) }));
        assertClose(gradientOf('output.kernel')[id * width + i]!, weight, `kernel of ${id}, ${i}`);
      }
    }
    for (const tensor of [...gradients, ...Object.values(scalars)]) tensor.dispose();
  });

  test('perplexity is computed over the tokens of all batches, without label smoothing', async () => {
    const batches = [batchOf(THREE_PAIRS.slice(0, 1)), batchOf(THREE_PAIRS.slice(1), 2)];
    const plain = plainLoss(await plainInputs(model, batchOf(THREE_PAIRS)), 0.3, TOKENS);
    const scores = evaluateLoss(model, batches, 0.3);
    assertClose(scores.loss, plain.loss, 'loss');
    assertClose(scores.perplexity, Math.exp(plain.negativeLogLikelihood / TOKENS), 'perplexity');
    assert.equal(scores.accuracy, plain.correct / TOKENS);
    assert.equal(scores.tokens, TOKENS);
    assert.equal(evaluateLoss(model, batches, 0).perplexity, scores.perplexity);
  });

  test('the score of a target is the sum of its log-probabilities', async () => {
    const batch = batchOf(THREE_PAIRS, 1);
    const inputs = await plainInputs(model, batch);
    const scores = scoreBatch(model, batch);
    assert.equal(scores.length, 3);
    for (const [row, steps] of inputs.rows.entries()) {
      assertClose(
        scores[row]!,
        steps.reduce((sum, { hidden, label }) => sum + logProbabilities(inputs, hidden)[label]!, 0),
        `row ${row}`,
      );
    }
    const { perplexity, tokens } = evaluateLoss(model, [batch], 0.1);
    assertClose(-scores.reduce((sum, score) => sum + score, 0), Math.log(perplexity) * tokens, 'their sum');
  });

  test('does not leak tensors', () => {
    const batch = batchOf(THREE_PAIRS);
    const runAll = (): number => {
      evaluateLoss(model, [batch, batch], 0.1);
      scoreBatch(model, batch);
      model.parameters.release();
      return tf.memory().numTensors;
    };
    assert.equal(runAll(), runAll());
  });
});
