import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../../../src/random.js';
import { precomputedLogits, projectedLogits, type Logits } from '../../../../src/runtime/ops/best-tokens.js';
import { packKernel } from '../../../../src/runtime/ops/packed-product.js';
import type { ComputePolicy } from '../../../../src/runtime/policy.js';
import { loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { availablePolicies, relativeError } from '../../../support/policies.js';

interface Best {
  readonly logProbabilities: number[][];
  readonly tokens: number[][];
}

function reference(rows: readonly (readonly number[])[], count: number, first: number): Best {
  const sorted = rows.map((row) =>
    row
      .map((logit, token) => ({ logit, token }))
      .slice(first)
      .sort((a, b) => b.logit - a.logit || a.token - b.token)
      .slice(0, count),
  );
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
  type Rows = readonly (readonly number[])[];
  const given = (rows: Rows, count: number, first: number): Best =>
    readTidily(() => precomputedLogits(tf.tensor2d(rows.map((row) => [...row]))), count, first);
  /** The kernel holds all rows minus the bias, and each hidden state selects one of them. */
  const projected =
    (policy: ComputePolicy) =>
    (rows: Rows, count: number, first: number): Best =>
      readTidily(
        () => {
          const bias = rows[0]!.map((_, token) => token % 3);
          const kernel = tf.tensor2d(rows.map((row) => row.map((logit, token) => logit - bias[token]!)));
          return projectedLogits(tf.eye(rows.length), packKernel(kernel, policy), tf.tensor1d(bias));
        },
        count,
        first,
      );
  const inFloat32 = availablePolicies().filter(({ policy: { precision } }) => precision === 'float32');
  const kinds = [
    { name: 'precomputedLogits', compute: given },
    ...inFloat32.map(({ name, policy }) => ({ name: `projectedLogits, ${name}`, compute: projected(policy) })),
  ];

  for (const { name, compute } of kinds) {
    test(`${name}: equals sorting by logit, and ties are broken by the lower id`, () => {
      const random = new Random(3);
      // Few distinct values, so that there are many ties.
      const rows = Array.from({ length: 9 }, () => Array.from({ length: 701 }, () => random.integer(40) / 4));
      for (const [count, first] of [
        [1, 0],
        [1, 3],
        [6, 3],
        [11, 690],
        [300, 255],
        [3, 513],
      ] as const) {
        const actual = compute(rows, count, first);
        const expected = reference(rows, count, first);
        assert.deepEqual(actual.tokens, expected.tokens);
        assert.ok(relativeError(actual.logProbabilities.flat(), expected.logProbabilities.flat()) < 1e-6);
      }
    });

    test(`${name}: a row with a NaN has log-probabilities NaN, a row with minus infinity does not`, () => {
      const rows = [[1, NaN, 3, 4], [1, 2, -Infinity, -Infinity], [1, 2, 3, 4], Array<number>(300).fill(-Infinity)];
      const [withNaN, low, finite, nothing] = rows.map((row) => compute([row], 2, 1));
      assert.ok(withNaN!.logProbabilities[0]!.every(Number.isNaN));
      assert.ok(nothing!.logProbabilities[0]!.every(Number.isNaN), 'no token has a probability');
      assert.deepEqual(low!.tokens, [[1, 2]]);
      assert.equal(low!.logProbabilities[0]![1], -Infinity);
      assert.deepEqual(finite!.tokens, [[3, 2]]);
    });
  }
});
