import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { Random } from '../../../../src/random.js';
import { DropoutSeeds } from '../../../../src/runtime/ops/dropout.js';
import { normalize, normalizeOnly } from '../../../../src/runtime/ops/layer-norm.js';
import { PORTABLE_POLICY, type ComputePolicy } from '../../../../src/runtime/policy.js';
import { loadedRuntime, loadTensorFlow } from '../../../../src/runtime/tensorflow.js';
import { tf } from '../../../../src/runtime/tf.js';
import { compareWithDifferences, type Twofold } from '../../../support/finite-differences.js';
import { availablePolicies, relativeError } from '../../../support/policies.js';

const EPSILON = 1e-2;
type Kind = 'layer' | 'rms';

function randomValues(random: Random, count: number): Float64Array {
  return Float64Array.from({ length: count }, () => Math.fround(2 * random.uniform() - 1));
}

/** The sum and the normalised rows, in double precision. */
function reference(
  kind: Kind,
  width: number,
  [x, residual, gain, bias]: readonly (Float64Array | undefined)[],
): number[] {
  const sum = x!.map((value, index) => value + (residual?.[index] ?? 0));
  const normalized = new Float64Array(sum.length);
  for (let start = 0; start < sum.length; start += width) {
    const row = sum.slice(start, start + width);
    const mean = kind === 'layer' ? row.reduce((total, value) => total + value, 0) / width : 0;
    const square = row.reduce((total, value) => total + (value - mean) ** 2, 0) / width;
    for (const [index, value] of row.entries())
      normalized[start + index] = ((value - mean) / Math.sqrt(square + EPSILON)) * gain![index]! + (bias?.[index] ?? 0);
  }
  return [...sum, ...normalized];
}

describe('normalisation', async () => {
  await loadTensorFlow({ device: 'cpu' });

  for (const { name, policy } of availablePolicies()) {
    for (const kind of ['layer', 'rms'] as const) {
      for (const parts of ['residual and bias', 'residual', 'bias', 'neither'] as const) {
        test(`${kind}, ${parts}, ${name}: equals the formula, gradients equal finite differences`, () => {
          for (const [rows, width] of [
            [1, 1],
            [3, 7],
            [2, 33],
          ] as const) {
            const shapes = {
              x: [rows, width],
              ...(parts.includes('residual') ? { residual: [rows, width] } : {}),
              gain: [width],
              ...(parts.includes('bias') ? { bias: [width] } : {}),
            };
            const names = Object.keys(shapes);
            const pick = <Value>(values: readonly Value[], part: string): Value | undefined =>
              values[names.indexOf(part)];
            const op: Twofold = {
              shapes: Object.values(shapes),
              tensors: (...inputs) => {
                const { sum, normalized } = normalize(
                  inputs[0] as Tensor2D,
                  pick(inputs, 'residual') as Tensor2D | undefined,
                  pick(inputs, 'gain') as Tensor1D,
                  pick(inputs, 'bias') as Tensor1D | undefined,
                  { epsilon: EPSILON, kind },
                  policy,
                );
                return tf.concat([sum.flatten(), normalized.flatten()]);
              },
              numbers: (...inputs) =>
                reference(kind, width, [
                  inputs[0],
                  pick(inputs, 'residual'),
                  pick(inputs, 'gain'),
                  pick(inputs, 'bias'),
                ]),
            };
            const random = new Random(width);
            const inputs = op.shapes.map((shape) =>
              randomValues(
                random,
                shape.reduce((a, b) => a * b),
              ),
            );
            const direction = randomValues(random, 2 * rows * width);
            const { value, gradients } = compareWithDifferences(op, inputs, direction);
            for (const [index, [actual, expected]] of [value, ...gradients].entries()) {
              const error = relativeError([...Array.from(actual), 1], [...Array.from(expected), 1]);
              assert.ok(error < 2e-5, `[${rows}, ${width}], result ${index}: error ${error}`);
            }
          }
        });
      }
    }
  }

  const skip = loadedRuntime()?.customOps !== true && 'no custom ops on this machine';
  test('custom ops equal plain ops for random shapes, with dropout', { skip }, () => {
    const random = new Random(5);
    for (let round = 0; round < 40; round++) {
      const rows = 1 + random.integer(round < 30 ? 12 : 200);
      const width = 1 + random.integer(round < 30 ? 40 : 300);
      const kind = round % 2 === 0 ? 'layer' : 'rms';
      const rate = round % 3 === 0 ? 0.3 : 0;
      const given = [[rows, 1, width], [rows, 1, width], [width], [width]].map((shape) =>
        tf.tensor(
          Float32Array.from(
            randomValues(
              random,
              shape.reduce((a, b) => a * b),
            ),
          ),
          shape,
        ),
      );
      const results = (policy: ComputePolicy): Float32Array[] =>
        tf.tidy(() => {
          const layer = (x: Tensor, residual: Tensor, gain: Tensor, bias: Tensor): Tensor => {
            const dropout = { rate, seeds: new DropoutSeeds(round, 1) };
            const options = { epsilon: 1e-5, kind, dropout } as const;
            const given = [x, residual, gain as Tensor1D, bias as Tensor1D, options, policy] as const;
            if (round % 4 >= 2) return tf.mul(normalizeOnly(...given).flatten(), tf.cos(tf.range(0, x.size)));
            const { sum, normalized } = normalize(...given);
            const result = tf.concat([sum.flatten(), normalized.flatten()]);
            return tf.mul(result, tf.cos(tf.range(0, result.size)));
          };
          const { value, grads } = tf.valueAndGrads(layer as (...tensors: Tensor[]) => Tensor)(given);
          return [value, ...grads].map((tensor) => tensor.dataSync() as Float32Array);
        });
      const plain = results(PORTABLE_POLICY);
      for (const [index, actual] of results({ ...PORTABLE_POLICY, kernels: 'custom' }).entries()) {
        const error = relativeError([...actual, 1], Float64Array.from([...plain[index]!, 1]));
        assert.ok(error < 5e-5, `[${rows}, ${width}], ${kind}, rate ${rate}, result ${index}: error ${error}`);
      }
      tf.dispose(given);
    }
  });
});
