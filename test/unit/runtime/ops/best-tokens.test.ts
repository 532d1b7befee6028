import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../../../src/random.js';
import { givenLogits, projectedLogits, type Logits } from '../../../../src/runtime/ops/best-tokens.js';
import { withOpForm } from '../../../../src/runtime/ops/form.js';
import { packKernel } from '../../../../src/runtime/ops/packed-product.js';
import { loadTensorFlow, tf } from '../../../../src/runtime/tensorflow.js';
import { availableForms, relativeError } from '../../../support/op-forms.js';

interface Best {
  readonly logProbabilities: number[][];
  readonly tokens: number[][];
}

function reference(rows: readonly (readonly number[])[], count: number, first: number): Best {
  const sorted = rows.map((row) => row.map((logit, token) => ({ logit, token })).slice(first).sort((a, b) => b.logit - a.logit || a.token - b.token).slice(0, count));
  const logSums = rows.map((row) => Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)));
  return {
    logProbabilities: sorted.map((best, row) => best.map(({ logit }) => logit - logSums[row]!)),
    tokens: sorted.map((best) => best.map(({ token }) => token)),
  };
}

describe('best tokens', async () => {
  await loadTensorFlow({ device: 'cpu' });
  const readTidily = (make: () => Logits, count: number, first: number): Best => {
    const { logProbabilities, tokens } = tf.tidy(() => ({ ...make().best(count, first) }));
    const best = { logProbabilities: logProbabilities.arraySync(), tokens: tokens.arraySync() };
    tf.dispose([logProbabilities, tokens]);
    return best;
  };
  const given = (rows: readonly (readonly number[])[], count: number, first: number): Best => readTidily(() => givenLogits(tf.tensor2d(rows.map((row) => [...row]))), count, first);
  /** The kernel holds all rows less the bias, and each hidden state takes one of them. */
  const projected = (rows: readonly (readonly number[])[], count: number, first: number): Best =>
    readTidily(() => {
      const bias = rows[0]!.map((_, token) => token % 3);
      const kernel = packKernel(tf.tensor2d(rows.map((row) => row.map((logit, token) => logit - bias[token]!))));
      return projectedLogits(tf.eye(rows.length), kernel, tf.tensor1d(bias));
    }, count, first);

  for (const { name, form } of availableForms().filter(({ form: { precision } }) => precision === 'float32')) {
    for (const [kind, compute] of [['given', given], ['projected', projected]] as const) {
      test(`${kind} logits, ${name}: equals sorting, equals by id`, () => {
        const random = new Random(3);
        // Few different numbers, so that many are equal.
        const rows = Array.from({ length: 9 }, () => Array.from({ length: 701 }, () => random.integer(40) / 4));
        for (const [count, first] of [[1, 0], [1, 3], [6, 3], [11, 690], [300, 255], [3, 513]] as const) {
          const actual = withOpForm(form, () => compute(rows, count, first));
          const expected = reference(rows, count, first);
          assert.deepEqual(actual.tokens, expected.tokens);
          assert.ok(relativeError(actual.logProbabilities.flat(), expected.logProbabilities.flat()) < 1e-6);
        }
      });

      test(`${kind} logits, ${name}: a NaN shows in its row, and minus infinity is no NaN`, () => {
        const [sick, low, sound, nothing] = [[1, NaN, 3, 4], [1, 2, -Infinity, -Infinity], [1, 2, 3, 4], Array<number>(300).fill(-Infinity)].map((row) => withOpForm(form, () => compute([row], 2, 1)));
        assert.ok(sick!.logProbabilities[0]!.every(Number.isNaN));
        assert.ok(nothing!.logProbabilities[0]!.every(Number.isNaN), 'without any probability there is none to give');
        assert.deepEqual(low!.tokens, [[1, 2]]);
        assert.equal(low!.logProbabilities[0]![1], -Infinity);
        assert.deepEqual(sound!.tokens, [[3, 2]]);
      });
    }
  }
});
