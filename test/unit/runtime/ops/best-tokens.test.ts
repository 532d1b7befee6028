import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { bestTokens } from '../../../../src/runtime/ops/best-tokens.js';
import { withOpForm } from '../../../../src/runtime/ops/form.js';
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
  const compute = (rows: readonly (readonly number[])[], count: number, first: number): Best =>
    tf.tidy(() => {
      const { logProbabilities, tokens } = bestTokens(tf.tensor2d(rows.map((row) => [...row])) as Tensor2D, count, first);
      return { logProbabilities: logProbabilities.arraySync(), tokens: tokens.arraySync() };
    });

  for (const { name, form } of availableForms().filter(({ form: { precision } }) => precision === 'float32')) {
    test(`${name}: equals sorting, equals by id`, () => {
      const random = new Random(3);
      // Few different numbers, so that many are equal.
      const rows = Array.from({ length: 9 }, () => Array.from({ length: 301 }, () => Math.fround(random.integer(40) / 4)));
      for (const [count, first] of [[1, 0], [1, 3], [6, 3], [11, 290]] as const) {
        const actual = withOpForm(form, () => compute(rows, count, first));
        const expected = reference(rows, count, first);
        assert.deepEqual(actual.tokens, expected.tokens);
        assert.ok(relativeError(actual.logProbabilities.flat(), expected.logProbabilities.flat()) < 1e-6);
      }
    });

    test(`${name}: a NaN shows in its row, and minus infinity is no NaN`, () => {
      const { logProbabilities, tokens } = withOpForm(form, () => compute([[1, NaN, 3, 4], [1, 2, -Infinity, -Infinity], [1, 2, 3, 4]], 2, 1));
      assert.ok(logProbabilities[0]!.every(Number.isNaN));
      assert.deepEqual(tokens[1], [1, 2]);
      assert.equal(logProbabilities[1]![1], -Infinity);
      assert.deepEqual(tokens[2], [3, 2]);
    });
  }
});
