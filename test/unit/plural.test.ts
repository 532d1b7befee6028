import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plural } from '../../src/plural.js';

test('a count has the noun in the right number', () => {
  assert.equal(plural(1, 'line'), '1 line');
  assert.equal(plural(0, 'line'), '0 lines');
  assert.equal(plural(12_000, 'entry', 'entries'), '12,000 entries');
});
