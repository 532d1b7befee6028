import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Rank, Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { additiveScores, attend, dotAttention } from '../../../../src/runtime/ops/attention.js';
import { withOpForm } from '../../../../src/runtime/ops/form.js';
import { loadedRuntime, loadTensorFlow, tf } from '../../../../src/runtime/tensorflow.js';
import { compareWithDifferences, type Twofold } from '../../../support/finite-differences.js';
import { availableForms, relativeError } from '../../../support/op-forms.js';

const [BATCH, QUERIES, TIME, SIZE] = [2, 3, 4, 5] as const;
/** Real source positions of each sentence. */
const LENGTHS = [4, 2] as const;

function randomValues(random: Random, shape: readonly number[]): Float64Array {
  return Float64Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => Math.fround(2 * random.uniform() - 1));
}

/** Fills `[batch, queries, columns]`. */
function fill(columns: number, element: (batch: number, query: number, column: number) => number): number[] {
  return Array.from({ length: BATCH * QUERIES * columns }, (_, index) => element(Math.floor(index / (QUERIES * columns)), Math.floor(index / columns) % QUERIES, index % columns));
}

const sum = (count: number, term: (index: number) => number): number => Array.from({ length: count }, (_, index) => term(index)).reduce((total, value) => total + value, 0);

const QUERY_SHAPE = [BATCH, QUERIES, SIZE];
const KEY_SHAPE: [number, number, number] = [BATCH, TIME, SIZE];
const query = (values: Float64Array, batch: number, index: number, k: number): number => values[(batch * QUERIES + index) * SIZE + k]!;
const key = (values: Float64Array, batch: number, time: number, k: number): number => values[(batch * TIME + time) * SIZE + k]!;

/** Weights of one query over the real positions of its sentence. */
function softmax(scores: Float64Array, batch: number, index: number): number[] {
  const exponentials = Array.from({ length: TIME }, (_, time) => (time < LENGTHS[batch]! ? Math.exp(scores[(batch * QUERIES + index) * TIME + time]!) : 0));
  const total = exponentials.reduce((all, value) => all + value, 0);
  return exponentials.map((value) => value / total);
}

const dotScores = (queries: Float64Array, keys: Float64Array): Float64Array => Float64Array.from(fill(TIME, (batch, index, time) => sum(SIZE, (k) => query(queries, batch, index, k) * key(keys, batch, time, k))));
const context = (scores: Float64Array, values: Float64Array, batch: number, index: number, k: number): number => sum(TIME, (time) => softmax(scores, batch, index)[time]! * key(values, batch, time, k));
/** Each context followed by its query. */
const joined = (queries: Float64Array, scores: Float64Array, values: Float64Array): number[] =>
  fill(2 * SIZE, (batch, index, k) => (k < SIZE ? context(scores, values, batch, index, k) : query(queries, batch, index, k - SIZE)));

const mask = (): Tensor2D => tf.tensor2d(LENGTHS.map((length) => Array.from({ length: TIME }, (_, time) => (time < length ? 1 : 0))));

const OPS: Record<string, Twofold> = {
  joined: {
    shapes: [QUERY_SHAPE, [BATCH, QUERIES, TIME], KEY_SHAPE],
    tensors: (queries, scores, values) => attend(queries as Tensor3D, scores as Tensor3D, values as Tensor3D, mask()).joined,
    numbers: (queries, scores, values) => joined(queries!, scores!, values!),
  },
  weights: {
    shapes: [[BATCH, QUERIES, TIME]],
    tensors: (scores) => attend(tf.zeros<Rank.R3>([BATCH, QUERIES, SIZE]), scores as Tensor3D, tf.ones<Rank.R3>(KEY_SHAPE), mask()).weights,
    numbers: (scores) => fill(TIME, (batch, index, time) => softmax(scores!, batch, index)[time]!),
  },
  'joined by dot products': {
    shapes: [QUERY_SHAPE, KEY_SHAPE, KEY_SHAPE],
    tensors: (queries, keys, values) => dotAttention(queries as Tensor3D, keys as Tensor3D, values as Tensor3D, mask()).joined,
    numbers: (queries, keys, values) => joined(queries!, dotScores(queries!, keys!), values!),
  },
  'joined by scaled dot products, the keys for values': {
    shapes: [QUERY_SHAPE, KEY_SHAPE, []],
    tensors: (queries, keys, scale) => dotAttention(queries as Tensor3D, keys as Tensor3D, keys as Tensor3D, mask(), scale as Scalar).joined,
    numbers: (queries, keys, scale) => joined(queries!, dotScores(queries!, keys!).map((score) => scale![0]! * score), keys!),
  },
  'weights by dot products': {
    shapes: [QUERY_SHAPE, KEY_SHAPE],
    tensors: (queries, keys) => dotAttention(queries as Tensor3D, keys as Tensor3D, keys as Tensor3D, mask()).weights,
    numbers: (queries, keys) => fill(TIME, (batch, index, time) => softmax(dotScores(queries!, keys!), batch, index)[time]!),
  },
  'additive scores': {
    shapes: [QUERY_SHAPE, KEY_SHAPE, [SIZE]],
    tensors: (queries, keys, vector) => additiveScores(queries as Tensor3D, keys as Tensor3D, vector as Tensor1D),
    numbers: (queries, keys, vector) => fill(TIME, (batch, index, time) => sum(SIZE, (k) => vector![k]! * Math.tanh(query(queries!, batch, index, k) + key(keys!, batch, time, k)))),
  },
};

describe('attention', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const { name: formName, form, tolerance } of availableForms()) {
    for (const [name, op] of Object.entries(OPS)) {
      test(`${name}, ${formName}: equal the formula, gradients finite differences`, () => {
        const random = new Random(4);
        const inputs = op.shapes.map((shape) => randomValues(random, shape));
        const direction = randomValues(random, [op.numbers(...inputs).length]);
        const { value, gradients } = withOpForm(form, () => compareWithDifferences(op, inputs, direction));
        for (const [index, [actual, expected]] of [value, ...gradients].entries()) {
          const error = relativeError(actual, expected);
          assert.ok(error < tolerance, `${index === 0 ? 'value' : `gradient ${index - 1}`}: error ${error}`);
        }
      });
    }
  }

  test('scores of padded positions change nothing, however large they are', () => {
    const random = new Random(8);
    const scores = randomValues(random, [BATCH, QUERIES, TIME]);
    const weightsOf = (values: Float64Array): Tensor => attend(tf.zeros<Rank.R3>([BATCH, QUERIES, SIZE]), tf.tensor3d(Float32Array.from(values), [BATCH, QUERIES, TIME]), tf.ones<Rank.R3>(KEY_SHAPE), mask()).weights;
    const changed = scores.map((score, index) => (index % TIME >= LENGTHS[Math.floor(index / (QUERIES * TIME))]! ? 1e4 : score));
    assert.notDeepEqual(changed, scores);
    assert.deepEqual(weightsOf(changed).dataSync(), weightsOf(scores).dataSync());
  });

  test('by the custom ops, sentences of every length equal the plain form, gradients too', () => {
    // Less than a block of rows or columns, whole blocks, and some over.
    for (const [queries, time, size] of [[1, 1, 3], [4, 8, 16], [9, 11, 70], [13, 6, 131]] as const) {
      const random = new Random(time);
      const given = [[3, queries, size], [3, time, size], [3, time, size + 2]].map((shape) => ({ shape, values: Float32Array.from(randomValues(random, shape)) }));
      const direction = Float32Array.from(randomValues(random, [3 * queries * (2 * size + 2)]));
      const padded = Float32Array.from({ length: 3 * time }, (_, index) => (index % time < time - Math.floor(index / time) || index % time === 0 ? 1 : 0));
      const results = (kernels: 'custom' | 'plain'): Float32Array[] =>
        withOpForm({ kernels, precision: 'float32' }, () =>
          tf.tidy(() => {
            const attended = (...[query, keys, values]: Tensor[]): Tensor => dotAttention(query as Tensor3D, keys as Tensor3D, values as Tensor3D, tf.tensor2d(padded, [3, time])).joined;
            const { value, grads } = tf.valueAndGrads(attended)(given.map(({ shape, values }) => tf.tensor(values, shape)), tf.tensor2d(direction, [3 * queries, 2 * size + 2]));
            return [value, ...grads].map((tensor) => tensor.dataSync() as Float32Array);
          }),
        );
      if (loadedRuntime()?.customOps !== true) return;
      const plain = results('plain');
      for (const [index, actual] of results('custom').entries()) {
        const error = relativeError(actual, Float64Array.from(plain[index]!));
        assert.ok(error < 1e-5, `${queries} queries, ${time} positions, size ${size}, ${index === 0 ? 'value' : `gradient ${index - 1}`}: error ${error}`);
      }
    }
  });
});
