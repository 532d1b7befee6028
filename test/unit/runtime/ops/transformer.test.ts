import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { activate } from '../../../../src/runtime/ops/activation.js';
import { DropoutSeeds } from '../../../../src/runtime/ops/dropout.js';
import { normalize } from '../../../../src/runtime/ops/layer-norm.js';
import { linearRecurrence } from '../../../../src/runtime/ops/linear-recurrence.js';
import { scaledDotAttention } from '../../../../src/runtime/ops/scaled-dot-attention.js';
import type { ComputePolicy } from '../../../../src/runtime/policy.js';
import { loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { compareWithDifferences, type Twofold } from '../../../support/finite-differences.js';
import { availablePolicies, relativeError } from '../../../support/policies.js';

const [BATCH, TIME, HEADS, SIZE] = [2, 4, 2, 3] as const;
const WIDTH = HEADS * SIZE;
/** Real keys of each sentence. */
const LENGTHS = [4, 2] as const;
const SEQUENCE = [BATCH, TIME, WIDTH] as const;
const ROWS = [3, 5] as const;
const EPSILON = 1e-3;

const list = <Item>(count: number, item: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => item(index));
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Rows of a matrix, each replaced by `change`. */
function byRow(values: Float64Array, change: (row: number[]) => number[]): number[] {
  return list(ROWS[0], (row) => change([...values.subarray(row * ROWS[1], (row + 1) * ROWS[1])])).flat();
}

function normalized(sum: Float64Array, gain: Float64Array, bias: Float64Array | undefined): number[] {
  return byRow(sum, (row) => {
    const mean = bias === undefined ? 0 : total(row) / row.length;
    const variance = total(row.map((value) => (value - mean) ** 2)) / row.length;
    return row.map((value, k) => (gain[k]! * (value - mean)) / Math.sqrt(variance + EPSILON) + (bias?.[k] ?? 0));
  });
}

const plus = (left: Float64Array, right: Float64Array): Float64Array => left.map((value, k) => value + right[k]!);

/** Attention of every query, by the formula: contexts, then the mean weights. */
function attention(
  [queries, keys, values]: readonly Float64Array[],
  isVisible: (batch: number, query: number, key: number) => boolean,
): { context: number[]; weights: number[] } {
  const at = (tensor: Float64Array, batch: number, time: number, column: number): number =>
    tensor[(batch * TIME + time) * WIDTH + column]!;
  const context: number[] = [];
  const weights: number[] = [];
  for (let batch = 0; batch < BATCH; batch++) {
    for (let query = 0; query < TIME; query++) {
      const heads = list(HEADS, (head) => {
        const columns = list(SIZE, (k) => head * SIZE + k);
        const exponentials = list(TIME, (key) => {
          const score = total(columns.map((k) => at(queries!, batch, query, k) * at(keys!, batch, key, k)));
          return isVisible(batch, query, key) ? Math.exp(score / Math.sqrt(SIZE)) : 0;
        });
        return exponentials.map((value) => value / total(exponentials));
      });
      for (const [head, weight] of heads.entries())
        for (let k = 0; k < SIZE; k++)
          context.push(total(weight.map((share, key) => share * at(values!, batch, key, head * SIZE + k))));
      weights.push(...list(TIME, (key) => total(heads.map((weight) => weight[key]!)) / HEADS));
    }
  }
  return { context, weights };
}

const mask = (): Tensor2D => tf.tensor2d(LENGTHS.map((length) => list(TIME, (time) => (time < length ? 1 : 0))));

function operations(policy: ComputePolicy): Record<string, Twofold> {
  const visible = {
    'all keys': () => true,
    'real keys': (batch: number, _query: number, key: number) => key < LENGTHS[batch]!,
    'earlier keys': (_batch: number, query: number, key: number) => key <= query,
    'real and earlier keys': (batch: number, query: number, key: number) => key < LENGTHS[batch]! && key <= query,
  };
  const attentions = Object.entries(visible).map(([name, isVisible]): [string, Twofold] => [
    `attention to ${name}`,
    {
      shapes: [SEQUENCE, SEQUENCE, SEQUENCE],
      tensors: (queries, keys, values) => {
        const options = {
          heads: HEADS,
          mask: name.includes('real') ? mask() : undefined,
          causal: name.includes('earlier'),
          weights: true,
        };
        const [q, k, v] = [queries, keys, values] as [Tensor3D, Tensor3D, Tensor3D];
        const { context, weights } = scaledDotAttention(q, k, v, options, policy);
        return tf.concat([context.flatten(), weights!.flatten()]);
      },
      numbers: (...inputs) => Object.values(attention(inputs, isVisible)).flat(),
    },
  ]);
  return {
    ...Object.fromEntries(attentions),
    'layer normalisation with a residual': {
      shapes: [ROWS, ROWS, [ROWS[1]], [ROWS[1]]],
      tensors: (x, residual, gain, bias) => {
        const [a, b] = [x, residual] as [Tensor2D, Tensor2D];
        const both = normalize(a, b, gain as Tensor1D, bias as Tensor1D, EPSILON, 'layer');
        return tf.concat([both.sum.flatten(), both.normalized.flatten()]);
      },
      numbers: (x, residual, gain, bias) => {
        const sum = plus(x!, residual!);
        return [...sum, ...normalized(sum, gain!, bias!)];
      },
    },
    'RMS normalisation': {
      shapes: [ROWS, [ROWS[1]]],
      tensors: (x, gain) => normalize(x as Tensor2D, undefined, gain as Tensor1D, undefined, EPSILON, 'rms').normalized,
      numbers: (x, gain) => normalized(x!, gain!, undefined),
    },
    swish: {
      shapes: [ROWS],
      tensors: (x) => activate(x as Tensor2D, 'swish'),
      numbers: (x) => [...x!].map((value) => value / (1 + Math.exp(-value))),
    },
    gelu: {
      shapes: [ROWS],
      tensors: (x) => activate(x as Tensor2D, 'gelu'),
      numbers: (x) => [...x!].map((value) => value * normalDistribution(value)),
    },
    'linear recurrence': {
      shapes: [SEQUENCE, SEQUENCE],
      tensors: (decay, input) => linearRecurrence(decay as Tensor3D, input as Tensor3D),
      numbers: (decay, input) => {
        const values = Float64Array.from(input!);
        for (let index = 0; index < values.length; index++)
          if (Math.floor(index / WIDTH) % TIME > 0) values[index]! += decay![index]! * values[index - WIDTH]!;
        return values;
      },
    },
    'linear recurrence of one step': {
      shapes: [
        [2, 1, 3],
        [2, 1, 3],
      ],
      tensors: (decay, input) => linearRecurrence(decay as Tensor3D, input as Tensor3D),
      numbers: (_decay, input) => input!,
    },
  };
}

/** Integral of the normal density up to `x`, by Simpson's rule. */
function normalDistribution(x: number): number {
  const steps = 2000;
  const density = (at: number): number => Math.exp(-(at ** 2) / 2) / Math.sqrt(2 * Math.PI);
  const terms = list(
    steps + 1,
    (step) => density((step / steps) * x) * (step % steps === 0 ? 1 : step % 2 === 1 ? 4 : 2),
  );
  return 0.5 + (total(terms) * x) / steps / 3;
}

describe('ops of the Transformer', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const { name: policyName, policy, tolerance } of availablePolicies()) {
    for (const [name, op] of Object.entries(operations(policy))) {
      test(`${name}, ${policyName}: the value equals the formula, gradients equal finite differences`, () => {
        const random = new Random(4);
        const values = (count: number): Float64Array =>
          Float64Array.from({ length: count }, () => Math.fround(2 * random.uniform() - 1));
        const inputs = op.shapes.map((shape) => values(shape.reduce((product, size) => product * size, 1)));
        const { value, gradients } = compareWithDifferences(op, inputs, values(op.numbers(...inputs).length));
        assert.ok(relativeError(...value) < tolerance, `value: ${relativeError(...value)}`);
        for (const [input, gradient] of gradients.entries())
          assert.ok(relativeError(...gradient) < 2 * tolerance, `gradient ${input}: ${relativeError(...gradient)}`);
      });
    }

    test(`attention, ${policyName}: values at hidden keys have no influence and no gradient`, () => {
      tf.tidy(() => {
        const random = new Random(5);
        const draw = (): Tensor3D =>
          tf.tensor3d(
            list(BATCH * TIME * WIDTH, () => random.normal()),
            [...SEQUENCE],
          );
        const [queries, keys, values] = [draw(), draw(), draw()];
        const real = tf.expandDims<Tensor3D>(mask(), 2);
        const huge = (given: Tensor3D): Tensor3D => tf.add(given, tf.mul(tf.sub(1, real), 1e4));
        const context = (...inputs: [Tensor3D, Tensor3D, Tensor3D]): Tensor3D =>
          scaledDotAttention(...inputs, { heads: HEADS, mask: mask() }, policy).context;
        const expected = context(queries, keys, values).dataSync();
        const padded = [queries, huge(keys), huge(values)] as const;
        assert.deepEqual(context(...padded).dataSync(), expected);
        const gradients = tf.grads((k, v) => context(queries, k as Tensor3D, v as Tensor3D).sum())([keys, values]);
        for (const gradient of gradients)
          assert.ok(
            tf
              .mul(gradient, tf.sub(1, real))
              .dataSync()
              .every((value) => value === 0),
          );
      });
    });

    test(`attention, ${policyName}: dropout keeps the mean and depends on the seeds alone`, () => {
      tf.tidy(() => {
        const ones = tf.ones([64, TIME, WIDTH]) as Tensor3D;
        const context = (update: number): Float32Array => {
          const dropout = { rate: 0.5, seeds: new DropoutSeeds(1, update) };
          return scaledDotAttention(ones, ones, ones, { heads: HEADS, dropout }, policy).context.dataSync<'float32'>();
        };
        assert.deepEqual(context(1), context(1));
        assert.notDeepEqual(context(1), context(2));
        assert.ok(Math.abs(total([...context(1)]) / context(1).length - 1) < 0.1);
      });
    });
  }
});
