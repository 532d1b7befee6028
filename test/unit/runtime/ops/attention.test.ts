import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { additiveScores, attend, dotAttention, type Attended } from '../../../../src/runtime/ops/attention.js';
import { PORTABLE_POLICY, type ComputePolicy } from '../../../../src/runtime/policy.js';
import { loadedRuntime, loadTensorFlow, policyFor } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { compareWithDifferences, type Twofold } from '../../../support/finite-differences.js';
import { availablePolicies, relativeError } from '../../../support/policies.js';

const [BATCH, QUERIES, TIME, SIZE] = [2, 3, 4, 5] as const;
/** Real source positions of each sentence. */
const LENGTHS = [4, 2] as const;

function randomValues(random: Random, shape: readonly number[]): Float64Array {
  return Float64Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () =>
    Math.fround(2 * random.uniform() - 1),
  );
}

/** Fills `[batch, queries, columns]`. */
function fill(columns: number, element: (batch: number, query: number, column: number) => number): number[] {
  return Array.from({ length: BATCH * QUERIES * columns }, (_, index) =>
    element(Math.floor(index / (QUERIES * columns)), Math.floor(index / columns) % QUERIES, index % columns),
  );
}

const sum = (count: number, term: (index: number) => number): number =>
  Array.from({ length: count }, (_, index) => term(index)).reduce((total, value) => total + value, 0);

const QUERY_SHAPE = [BATCH, QUERIES, SIZE];
const KEY_SHAPE: [number, number, number] = [BATCH, TIME, SIZE];
const query = (values: Float64Array, batch: number, index: number, k: number): number =>
  values[(batch * QUERIES + index) * SIZE + k]!;
const key = (values: Float64Array, batch: number, time: number, k: number): number =>
  values[(batch * TIME + time) * SIZE + k]!;

/** Attention weights of one query over the real positions of its sentence. */
function softmax(scores: Float64Array, batch: number, index: number): number[] {
  const exponentials = Array.from({ length: TIME }, (_, time) =>
    time < LENGTHS[batch]! ? Math.exp(scores[(batch * QUERIES + index) * TIME + time]!) : 0,
  );
  const total = exponentials.reduce((all, value) => all + value, 0);
  return exponentials.map((value) => value / total);
}

const dotScores = (queries: Float64Array, keys: Float64Array): Float64Array =>
  Float64Array.from(
    fill(TIME, (batch, index, time) => sum(SIZE, (k) => query(queries, batch, index, k) * key(keys, batch, time, k))),
  );
const context = (scores: Float64Array, values: Float64Array, batch: number, index: number, k: number): number =>
  sum(TIME, (time) => softmax(scores, batch, index)[time]! * key(values, batch, time, k));
/** Each context followed by its query. */
const concatenated = (queries: Float64Array, scores: Float64Array, values: Float64Array): number[] =>
  fill(2 * SIZE, (batch, index, k) =>
    k < SIZE ? context(scores, values, batch, index, k) : query(queries, batch, index, k - SIZE),
  );

const mask = (): Tensor2D =>
  tf.tensor2d(LENGTHS.map((length) => Array.from({ length: TIME }, (_, time) => (time < length ? 1 : 0))));

/** The outputs of each op, by name. */
function operations(policy: ComputePolicy): Record<string, Twofold> {
  const attended = (queries: Tensor, scores: Tensor, values: Tensor): Attended =>
    attend(queries as Tensor3D, scores as Tensor3D, values as Tensor3D, mask(), policy);
  const byDotProducts = (queries: Tensor, keys: Tensor, values: Tensor, scale?: Tensor): Attended =>
    dotAttention(queries as Tensor3D, keys as Tensor3D, values as Tensor3D, mask(), policy, scale as Scalar);
  const softmaxOf = (scores: Float64Array): number[] =>
    fill(TIME, (batch, index, time) => softmax(scores, batch, index)[time]!);
  return {
    'attend, context and query': {
      shapes: [QUERY_SHAPE, [BATCH, QUERIES, TIME], KEY_SHAPE],
      tensors: (queries, scores, values) => attended(queries!, scores!, values!).concatenated,
      numbers: (queries, scores, values) => concatenated(queries!, scores!, values!),
    },
    'attend, weights': {
      shapes: [[BATCH, QUERIES, TIME]],
      tensors: (scores) => attended(tf.zeros([BATCH, QUERIES, SIZE]), scores!, tf.ones(KEY_SHAPE)).weights,
      numbers: (scores) => softmaxOf(scores!),
    },
    'dotAttention, context and query': {
      shapes: [QUERY_SHAPE, KEY_SHAPE, KEY_SHAPE],
      tensors: (queries, keys, values) => byDotProducts(queries!, keys!, values!).concatenated,
      numbers: (queries, keys, values) => concatenated(queries!, dotScores(queries!, keys!), values!),
    },
    'dotAttention with a scale, keys used as values, context and query': {
      shapes: [QUERY_SHAPE, KEY_SHAPE, []],
      tensors: (queries, keys, scale) => byDotProducts(queries!, keys!, keys!, scale).concatenated,
      numbers: (queries, keys, scale) =>
        concatenated(
          queries!,
          dotScores(queries!, keys!).map((score) => scale![0]! * score),
          keys!,
        ),
    },
    'dotAttention, weights': {
      shapes: [QUERY_SHAPE, KEY_SHAPE],
      tensors: (queries, keys) => byDotProducts(queries!, keys!, keys!).weights,
      numbers: (queries, keys) => softmaxOf(dotScores(queries!, keys!)),
    },
    additiveScores: {
      shapes: [QUERY_SHAPE, KEY_SHAPE, [SIZE]],
      tensors: (queries, keys, vector) => additiveScores(queries as Tensor3D, keys as Tensor3D, vector as Tensor1D),
      numbers: (queries, keys, vector) =>
        fill(TIME, (batch, index, time) =>
          sum(SIZE, (k) => vector![k]! * Math.tanh(query(queries!, batch, index, k) + key(keys!, batch, time, k))),
        ),
    },
  };
}

describe('attention', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const { name: policyName, policy, tolerance } of availablePolicies()) {
    for (const [name, op] of Object.entries(operations(policy))) {
      test(`${name}, ${policyName}: the value equals the formula, gradients equal finite differences`, () => {
        const random = new Random(4);
        const inputs = op.shapes.map((shape) => randomValues(random, shape));
        const direction = randomValues(random, [op.numbers(...inputs).length]);
        const { value, gradients } = compareWithDifferences(op, inputs, direction);
        for (const [index, [actual, expected]] of [value, ...gradients].entries()) {
          const error = relativeError(actual, expected);
          assert.ok(error < tolerance, `${index === 0 ? 'value' : `gradient ${index - 1}`}: error ${error}`);
        }
      });
    }
  }

  test('scores at padded positions are masked, however large they are', () => {
    const random = new Random(8);
    const scores = randomValues(random, [BATCH, QUERIES, TIME]);
    const weightsOf = (values: Float64Array): Tensor => {
      const tensor = tf.tensor3d(Float32Array.from(values), [BATCH, QUERIES, TIME]);
      return attend(tf.zeros([BATCH, QUERIES, SIZE]), tensor, tf.ones(KEY_SHAPE), mask(), policyFor()).weights;
    };
    const changed = scores.map((score, index) =>
      index % TIME >= LENGTHS[Math.floor(index / (QUERIES * TIME))]! ? 1e4 : score,
    );
    assert.notDeepEqual(changed, scores);
    assert.deepEqual(weightsOf(changed).dataSync(), weightsOf(scores).dataSync());
  });

  const skip = loadedRuntime()?.customOps !== true && 'no custom ops on this machine';
  test('values and gradients of custom ops equal those of plain ops for every sentence length', { skip }, () => {
    // Less than one block of rows or columns, whole blocks, and whole blocks plus a remainder.
    for (const [queries, time, size] of [
      [1, 1, 3],
      [4, 8, 16],
      [9, 11, 70],
      [13, 6, 131],
    ] as const) {
      const random = new Random(time);
      const given = [
        [3, queries, size],
        [3, time, size],
        [3, time, size + 2],
      ].map((shape) => ({ shape, values: Float32Array.from(randomValues(random, shape)) }));
      const direction = Float32Array.from(randomValues(random, [3 * queries * (2 * size + 2)]));
      const padded = Float32Array.from({ length: 3 * time }, (_, index) =>
        index % time < time - Math.floor(index / time) || index % time === 0 ? 1 : 0,
      );
      const results = (policy: ComputePolicy): Float32Array[] =>
        tf.tidy(() => {
          const attended = (...[query, keys, values]: Tensor[]): Tensor =>
            dotAttention(
              query as Tensor3D,
              keys as Tensor3D,
              values as Tensor3D,
              tf.tensor2d(padded, [3, time]),
              policy,
            ).concatenated;
          const { value, grads } = tf.valueAndGrads(attended)(
            given.map(({ shape, values }) => tf.tensor(values, shape)),
            tf.tensor2d(direction, [3 * queries, 2 * size + 2]),
          );
          return [value, ...grads].map((tensor) => tensor.dataSync() as Float32Array);
        });
      const plain = results(PORTABLE_POLICY);
      for (const [index, actual] of results({ ...PORTABLE_POLICY, kernels: 'custom' }).entries()) {
        const error = relativeError(actual, Float64Array.from(plain[index]!));
        const sizes = `${queries} queries, ${time} positions, size ${size}`;
        const result = index === 0 ? 'value' : `gradient ${index - 1}`;
        assert.ok(error < 1e-5, `${sizes}, ${result}: error ${error}`);
      }
    }
  });
});
