import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFixed, formatSignature } from '../../../src/metrics/signature.js';
import { packageVersion } from '../../../src/version.js';

test('signatures have the fields of sacreBLEU and the version of s2s', () => {
  assert.equal(
    formatSignature(2, { case: 'mixed', eff: false, tok: '13a' }),
    `nrefs:2|case:mixed|eff:no|tok:13a|version:s2s-${packageVersion()}`,
  );
  assert.match(packageVersion(), /^\d+\.\d+\.\d+/);
});

test('numbers are rounded half to even, as in C', () => {
  const cases: [number, number, string][] = [
    [6.25, 1, '6.2'],
    [6.75, 1, '6.8'],
    [0.125, 2, '0.12'],
    [0.375, 2, '0.38'],
    [2.5, 0, '2'],
    [3.5, 0, '4'],
    [1.005, 2, '1.00'],
    [0.15, 1, '0.1'],
    [6.250000000000001, 1, '6.3'],
    [100, 2, '100.00'],
    [0, 3, '0.000'],
    [33.333333, 1, '33.3'],
    [99.96, 1, '100.0'],
  ];
  for (const [value, decimals, expected] of cases) assert.equal(formatFixed(value, decimals), expected, String(value));
});
