import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInvisible, withoutCarriageReturns } from '../../../src/text/invisible.js';

test('a line of whitespace, control, format or other ignorable characters shows nothing', () => {
  for (const line of [
    '',
    ' \t\u00a0\u3000\u2028\ufeff',
    '\u0000\u0007\u001b\u007f\u0085',
    '\u200b\u200e\u200f\u00ad\u2060\u2066\u202e',
    '\u034f\u115f\u3164\ufe0f\u{e0001}\u{e0100}',
    '\u2800',
    ' \u200b\u0000 ',
  ])
    assert.equal(isInvisible(line), true, JSON.stringify(line));
  for (const line of ['a', '\u200ba', '.', '\u0301', '\ufffd', '漢', '😀', '\u200d👩'])
    assert.equal(isInvisible(line), false, JSON.stringify(line));
});

test('carriage returns are removed at the end, and spaces elsewhere', () => {
  assert.equal(withoutCarriageReturns('a\rb\r\r'), 'a b');
  assert.equal(withoutCarriageReturns('\r'), '');
  assert.equal(withoutCarriageReturns(' a '), ' a ');
});
