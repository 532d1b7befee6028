import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor, Tensor1D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { DropoutSeeds } from '../../../../src/runtime/ops/dropout.js';
import {
  attendWithWeights,
  packedAttention,
  scaledDotAttention,
  type Projections,
  type ScaledDotOptions,
} from '../../../../src/runtime/ops/scaled-dot-attention.js';
import { PORTABLE_POLICY, type ComputePolicy } from '../../../../src/runtime/policy.js';
import { loadedRuntime, loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { compareWithDifferences, type Twofold } from '../../../support/finite-differences.js';
import { availablePolicies, relativeError } from '../../../support/policies.js';

/** Sizes of a batch and of its attention. */
interface Case {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly size: number;
  readonly causal: boolean;
  /** Undefined for no padding. */
  readonly lengths: readonly number[] | undefined;
}

function randomValues(random: Random, count: number): Float64Array {
  return Float64Array.from({ length: count }, () => Math.fround(2 * random.uniform() - 1));
}

/** The formula, in double precision. The weights `[batch, heads, queries, keys]` are written to `weightsOut`. */
function reference(
  { batch, queries, keys, heads, size, causal, lengths }: Case,
  [q, k, v]: readonly [Float64Array, Float64Array, Float64Array],
  weightsOut: Float64Array,
): Float64Array {
  const width = heads * size;
  const attended = new Float64Array(batch * queries * width);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queries; i++) {
        const visible = Math.min(lengths?.[b] ?? keys, causal ? keys - queries + i + 1 : keys);
        const exponentials = Array.from({ length: visible }, (_, j) => {
          let dot = 0;
          for (let d = 0; d < size; d++)
            dot += q[(b * queries + i) * width + h * size + d]! * k[(b * keys + j) * width + h * size + d]!;
          return Math.exp(dot / Math.sqrt(size));
        });
        const total = exponentials.reduce((sum, value) => sum + value, 0);
        for (const [j, exponential] of exponentials.entries()) {
          const weight = exponential / total;
          weightsOut[((b * heads + h) * queries + i) * keys + j] = weight;
          for (let d = 0; d < size; d++)
            attended[(b * queries + i) * width + h * size + d]! += weight * v[(b * keys + j) * width + h * size + d]!;
        }
      }
    }
  }
  return attended;
}

const optionsOf = ({ heads, causal, lengths }: Case): ScaledDotOptions => ({
  heads,
  causal,
  lengths: lengths === undefined ? undefined : (tf.tensor1d([...lengths], 'int32') as Tensor1D),
});

function shapesOf({ batch, queries, keys, heads, size }: Case): [number, number, number][] {
  return [
    [batch, queries, heads * size],
    [batch, keys, heads * size],
    [batch, keys, heads * size],
  ];
}

/** Packs queries, keys and values into fewer tensors, if they allow it. */
function packed(parts: readonly [Tensor3D, Tensor3D, Tensor3D], tensors: 1 | 2 | 3): Projections {
  const [q, k, v] = parts;
  if (tensors === 1) return [tf.concat([q, k, v], 2)];
  return tensors === 2 ? [q, tf.concat([k, v], 2)] : parts;
}

/** Attended values and weights as one vector. */
function computed(given: Case, policy: ComputePolicy, tensors: 1 | 2 | 3, ...inputs: Tensor[]): Tensor1D {
  const parts = inputs as [Tensor3D, Tensor3D, Tensor3D];
  const { attended, weights } = attendWithWeights(packed(parts, tensors), optionsOf(given), policy);
  return tf.concat([attended.flatten(), weights.flatten()]);
}

const SMALL: readonly Case[] = [
  { batch: 2, queries: 3, keys: 4, heads: 2, size: 3, causal: false, lengths: [4, 2] },
  { batch: 2, queries: 5, keys: 5, heads: 1, size: 4, causal: true, lengths: [5, 3] },
  { batch: 1, queries: 2, keys: 5, heads: 2, size: 2, causal: true, lengths: undefined },
  { batch: 2, queries: 1, keys: 1, heads: 3, size: 1, causal: true, lengths: undefined },
];

describe('scaled dot-product attention', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const { name, policy, tolerance } of availablePolicies()) {
    test(`${name}: values and weights equal the formula, gradients equal finite differences`, () => {
      for (const [index, given] of SMALL.entries()) {
        const shapes = shapesOf(given);
        const op: Twofold = {
          shapes,
          tensors: (...inputs) => computed(given, policy, 3, ...inputs),
          numbers: (q, k, v) => {
            const weights = new Float64Array(given.batch * given.heads * given.queries * given.keys);
            return [...reference(given, [q!, k!, v!], weights), ...weights];
          },
        };
        const random = new Random(index);
        const inputs = shapes.map((shape) =>
          randomValues(
            random,
            shape.reduce((a, b) => a * b),
          ),
        );
        const direction = randomValues(random, op.numbers(...inputs).length);
        const { value, gradients } = compareWithDifferences(op, inputs, direction);
        for (const [which, [actual, expected]] of [value, ...gradients].entries()) {
          const scale = Math.max(1e-3, ...Array.from(expected, Math.abs));
          const error = relativeError([...Array.from(actual), scale], [...Array.from(expected), scale]);
          assert.ok(error < tolerance, `case ${index}, ${which === 0 ? 'value' : `gradient ${which}`}: error ${error}`);
        }
      }
    });
  }

  const skip = loadedRuntime()?.customOps !== true && 'no custom ops on this machine';
  test('custom ops equal plain ops for random shapes, packings and masks, with dropout', { skip }, () => {
    const random = new Random(17);
    const oneOf = (...choices: readonly number[]): number => choices[random.integer(choices.length)]!;
    for (let round = 0; round < 80; round++) {
      const causal = random.integer(2) === 0;
      const keys = 1 + random.integer(round < 60 ? 20 : 70);
      const batch = 1 + random.integer(4);
      const tensors = (1 + random.integer(3)) as 1 | 2 | 3;
      const queries = tensors === 1 ? keys : 1 + random.integer(causal ? keys : 24);
      const given: Case = {
        batch,
        keys,
        causal,
        queries,
        heads: oneOf(1, 2, 3, 8),
        size: oneOf(1, 5, 8, 16, 17, 32, 40, 64, 100),
        lengths: random.integer(4) === 0 ? undefined : Array.from({ length: batch }, () => 1 + random.integer(keys)),
      };
      const inputs = shapesOf(given).map((shape) => ({
        shape,
        values: Float32Array.from(
          randomValues(
            random,
            shape.reduce((a, b) => a * b),
          ),
        ),
      }));
      const rate = oneOf(0, 0.3);
      const results = (policy: ComputePolicy): Float32Array[] =>
        tf.tidy(() => {
          const attend = (...parts: Tensor[]): Tensor => {
            const dropout = { rate, seeds: new DropoutSeeds(round, 3) };
            const { attended, weights } = attendWithWeights(
              packed(parts as [Tensor3D, Tensor3D, Tensor3D], tensors),
              { ...optionsOf(given), dropout },
              policy,
            );
            const all = round % 2 === 0 ? [attended.flatten()] : [attended.flatten(), weights.flatten()];
            const joined = tf.concat(all);
            return tf.mul(joined, tf.cos(tf.range(0, joined.size)));
          };
          const { value, grads } = tf.valueAndGrads(attend)(
            inputs.map(({ shape, values }) => tf.tensor(values, shape)),
          );
          return [value, ...grads].map((tensor) => tensor.dataSync() as Float32Array);
        });
      const plain = results(PORTABLE_POLICY);
      for (const [index, actual] of results({ ...PORTABLE_POLICY, kernels: 'custom' }).entries()) {
        // With one key, the gradients of its score are exactly 0.
        const error = relativeError([...actual, 1], Float64Array.from([...plain[index]!, 1]));
        assert.ok(error < 2e-5, `${JSON.stringify({ ...given, tensors, rate })}, result ${index}: error ${error}`);
      }
    }
  });

  for (const { name, policy } of availablePolicies()) {
    test(`${name}: padded keys have no influence and no gradient, whatever they hold`, () => {
      const given = { batch: 2, queries: 5, keys: 9, heads: 2, size: 8, causal: false, lengths: [9, 4] };
      const random = new Random(3);
      const values = shapesOf(given).map((shape) =>
        Float32Array.from(
          randomValues(
            random,
            shape.reduce((a, b) => a * b),
          ),
        ),
      );
      const resultsWith = (padding: number): Float32Array[] =>
        tf.tidy(() => {
          const [q, k, v] = values.map((numbers, part) =>
            tf.tensor(
              numbers.map((number, index) => (part > 0 && index >= (9 + 4) * 16 ? padding : number)),
              shapesOf(given)[part],
            ),
          ) as [Tensor3D, Tensor3D, Tensor3D];
          const attend = (...[a, b, c]: Tensor3D[]): Tensor => scaledDotAttention(a!, b!, c!, optionsOf(given), policy);
          const { value, grads } = tf.valueAndGrads(attend as (...tensors: Tensor[]) => Tensor)([q, k, v]);
          return [value, ...grads].map((tensor) => tensor.dataSync() as Float32Array);
        });
      const [zeros, large] = [resultsWith(0), resultsWith(1000)];
      assert.deepEqual(large, zeros);
      for (const gradient of zeros.slice(2)) assert.ok(gradient.slice((9 + 4) * 16).every((value) => value === 0));
    });
  }

  test('the same call gives the same bits, and leaves no tensors', () => {
    for (const { policy } of availablePolicies()) {
      const bits = (): number[] =>
        tf.tidy(() => {
          const all = tf.randomUniform([3, 7, 48], -1, 1, 'float32', 5) as Tensor3D;
          const attend = (given: Tensor): Tensor =>
            packedAttention([given as Tensor3D], { heads: 4, causal: true }, policy);
          const { value, grads } = tf.valueAndGrads(attend)([all]);
          return [...value.dataSync(), ...grads[0]!.dataSync()];
        });
      const before = tf.memory().numTensors;
      assert.deepEqual(bits(), bits());
      assert.equal(tf.memory().numTensors, before);
    }
  });
});
