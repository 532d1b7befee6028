import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportFailure } from '../../../src/cli/failure.js';
import { S2sError, UsageError } from '../../../src/errors.js';
import { stderrOf } from './stderr.js';

function told(error: unknown, debug = false): { code: number; text: string } {
  let code = 0;
  const text = stderrOf(() => (code = reportFailure(error, debug)));
  return { code, text };
}

test('place, message and hint, and the exit code of the error', () => {
  const place = { file: 'c.yaml', line: 3, key: 'seed' };
  assert.deepEqual(told(new S2sError('x', 'is odd', { place, hint: 'Make it even.' })), {
    code: 1,
    text: 'error: c.yaml:3: seed: is odd\nMake it even.\n',
  });
  assert.deepEqual(told(new UsageError('x', 'No.')), { code: 2, text: 'error: No.\n' });
});

test('an unknown error says how to see more, and is a failure', () => {
  assert.deepEqual(told(new TypeError('x is not a function')), {
    code: 1,
    text: 'error: x is not a function\nThis is not an error that s2s knows. --debug shows where it comes from.\n',
  });
  assert.match(told('text').text, /^error: text\n/);
});

test('with debug, the stacks of the error and of its causes', () => {
  const { text } = told(new S2sError('x', 'outer', { cause: new Error('middle', { cause: 'inner' }) }), true);
  assert.match(
    text,
    /^error: outer\nS2sError: outer\n +at [^]*\ncaused by Error: middle\n +at [^]*\ncaused by inner\n$/,
  );
  assert.match(told(new TypeError('y'), true).text, /^error: y\nTypeError: y\n +at /);
});
