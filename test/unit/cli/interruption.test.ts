import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { exitCodeOf, interruption } from '../../../src/cli/interruption.js';

test('the first signal aborts, repeated ones are ignored, a later one ends the process', async (context) => {
  const listeners = (): number =>
    process.listenerCount('SIGINT') + process.listenerCount('SIGTERM') + process.listenerCount('SIGHUP');
  const before = listeners();
  const exit = context.mock.method(process, 'exit', () => undefined as never);
  let calls = 0;
  const stop = interruption(() => (calls += 1));
  assert.equal(stop.signal.aborted, false);
  process.emit('SIGINT', 'SIGINT');
  assert.deepEqual([stop.signal.aborted, stop.signal.reason, calls], [true, 'SIGINT', 1]);
  process.emit('SIGINT', 'SIGINT');
  assert.equal(exit.mock.callCount(), 0);
  await setTimeout(700);
  process.emit('SIGTERM', 'SIGTERM');
  assert.deepEqual(
    exit.mock.calls.map(({ arguments: given }) => given[0]),
    [143],
  );
  assert.equal(calls, 1);
  stop.close();
  assert.equal(listeners(), before);
});

test('exit codes of shells', () =>
  assert.deepEqual([exitCodeOf('SIGINT'), exitCodeOf('SIGTERM'), exitCodeOf('SIGHUP')], [130, 143, 129]));
