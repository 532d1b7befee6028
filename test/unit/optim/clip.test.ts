import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clippingFactor } from '../../../src/optim/clip.js';

test('gradients above the limit are scaled down to it', () => {
  assert.equal(clippingFactor(5, 1), 0.2);
  assert.equal(clippingFactor(10, 4, 8), 0.4 / 8);
});

test('gradients within the limit are unchanged, a limit of 0 disables clipping, and so does a norm that is not finite', () => {
  assert.equal(clippingFactor(5, 5.5), 1);
  assert.equal(clippingFactor(5, 5), 1);
  assert.equal(clippingFactor(5, 0), 1);
  for (const norm of [Infinity, NaN]) assert.equal(clippingFactor(norm, 1), 1);
});

test('gradients are divided by the loss scale, clipped or not', () => {
  assert.equal(clippingFactor(5, 5.5, 1024), 1 / 1024);
  assert.equal(clippingFactor(NaN, 0, 2), 0.5);
});
