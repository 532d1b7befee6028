import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { ask, parseAnswer } from '../../../src/cli/init-question.js';
import { UsageError } from '../../../src/errors.js';

test('Enter accepts, s swaps, two numbers choose other columns', () => {
  const sides = { source: 0, target: 2 };
  for (const text of ['', ' ', 'y', 'Yes']) assert.equal(parseAnswer(text, sides, 4), undefined);
  assert.deepEqual(parseAnswer('s', sides, 4), { source: 2, target: 0 });
  assert.deepEqual(parseAnswer(' 4 1', sides, 4), { source: 3, target: 0 });
  assert.deepEqual(parseAnswer('2,3', sides, 4), { source: 1, target: 2 });
  for (const text of ['n', '1', '0 1', '5 1', '2 2', '1 2 3']) assert.equal(parseAnswer(text, sides, 4), 'invalid');
});

test('a question is asked on the given streams; the end of the input cancels', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const answer = ask('Right? ', input, output);
  input.write('s\n');
  assert.equal(await answer, 's');
  assert.match(String(output.read()), /Right\? /);
  const cancelled = ask('Right? ', input, output);
  input.end();
  await assert.rejects(cancelled, (error) => error instanceof UsageError && error.code === 'init-cancelled');
});
