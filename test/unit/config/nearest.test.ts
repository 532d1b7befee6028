import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../../src/config/nearest.js';

test('the nearest word, ignoring case', () => {
  const known = ['hiddenSize', 'layers', 'bidirectional'];
  assert.equal(nearest('hidden_size', known), 'hiddenSize');
  assert.equal(nearest('HIDDENSIZE', known), 'hiddenSize');
  assert.equal(nearest('layer', known), 'layers');
  assert.equal(nearest('bidirektionel', known), 'bidirectional');
});

test('the first of equally near words, and undefined if none is near', () => {
  assert.equal(nearest('cat', ['bat', 'rat']), 'bat');
  assert.equal(nearest('train', ['trail', 'train']), 'train');
  assert.equal(nearest('optimizer', ['layers', 'seed']), undefined);
  assert.equal(nearest('anything', []), undefined);
});

test('short words need at least one matching letter', () => {
  assert.equal(nearest('x', ['a', 'no', 'seed']), undefined);
  assert.equal(nearest('ab', ['cd', 'set']), undefined);
});
