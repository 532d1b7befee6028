import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportError } from '../../../src/cli/failure.js';
import { S2sError, UsageError } from '../../../src/errors.js';
import { stderrOf } from './stderr.js';

function reported(error: unknown, debug = false): { code: number; text: string } {
  let code = 0;
  const text = stderrOf(() => (code = reportError(error, debug)));
  return { code, text };
}

test('prints place, message and hint, and returns the exit code of the error', () => {
  const place = { file: 'c.yaml', line: 3, key: 'seed' };
  assert.deepEqual(reported(new S2sError('x', 'is odd', { place, hint: 'Make it even.' })), {
    code: 1,
    text: 'error: c.yaml:3: seed: is odd\nMake it even.\n',
  });
  assert.deepEqual(reported(new UsageError('x', 'No.')), { code: 2, text: 'error: No.\n' });
});

test('an unexpected error mentions --debug, with exit code 1', () => {
  assert.deepEqual(reported(new TypeError('x is not a function')), {
    code: 1,
    text: 'error: x is not a function\nThis is an unexpected error; --debug shows its stack trace.\n',
  });
  assert.match(reported('text').text, /^error: text\n/);
});

test('with debug, prints the stack traces of the error and its causes', () => {
  const { text } = reported(new S2sError('x', 'outer', { cause: new Error('middle', { cause: 'inner' }) }), true);
  assert.match(
    text,
    /^error: outer\nS2sError: outer\n +at [^]*\ncaused by Error: middle\n +at [^]*\ncaused by inner\n$/,
  );
  assert.match(reported(new TypeError('y'), true).text, /^error: y\nTypeError: y\n +at /);
});
