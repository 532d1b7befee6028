import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterApplied, afterOverflow, INITIAL_LOSS_SCALE, type LossScale } from '../../../src/optim/loss-scale.js';

test('an overflow halves the factor, down to 1', () => {
  const factors: number[] = [];
  for (let scale: LossScale | undefined = INITIAL_LOSS_SCALE; scale !== undefined; scale = afterOverflow(scale))
    factors.push(scale.factor);
  assert.deepEqual(
    factors,
    Array.from({ length: 16 }, (_, index) => 2 ** (15 - index)),
  );
});

test('2000 consecutive updates double it, and an overflow resets the count', () => {
  const after = (updates: number, start: LossScale): LossScale =>
    Array.from({ length: updates }).reduce<LossScale>((scale) => afterApplied(scale), start);
  assert.deepEqual(after(1999, INITIAL_LOSS_SCALE), { factor: 2 ** 15, updates: 1999 });
  assert.deepEqual(after(2000, INITIAL_LOSS_SCALE), { factor: 2 ** 16, updates: 0 });
  assert.deepEqual(afterOverflow(after(1999, INITIAL_LOSS_SCALE)), { factor: 2 ** 14, updates: 0 });
  assert.equal(after(100_000, INITIAL_LOSS_SCALE).factor, 2 ** 24);
});
