import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { exitCodeOf, interruption } from '../../../src/cli/interruption.js';

test('the first signal aborts, those of the same keystroke do nothing, a later one ends the process', async (context) => {
  const listeners = (): number =>
    process.listenerCount('SIGINT') + process.listenerCount('SIGTERM') + process.listenerCount('SIGHUP');
  const before = listeners();
  const exit = context.mock.method(process, 'exit', () => undefined as never);
  let told = 0;
  const wish = interruption(() => (told += 1));
  assert.equal(wish.signal.aborted, false);
  process.emit('SIGINT', 'SIGINT');
  assert.deepEqual([wish.signal.aborted, wish.signal.reason, told], [true, 'SIGINT', 1]);
  process.emit('SIGINT', 'SIGINT');
  assert.equal(exit.mock.callCount(), 0);
  await setTimeout(700);
  process.emit('SIGTERM', 'SIGTERM');
  assert.deepEqual(
    exit.mock.calls.map(({ arguments: given }) => given[0]),
    [143],
  );
  assert.equal(told, 1);
  wish.close();
  assert.equal(listeners(), before);
});

test('exit codes are those of shells', () =>
  assert.deepEqual([exitCodeOf('SIGINT'), exitCodeOf('SIGTERM'), exitCodeOf('SIGHUP')], [130, 143, 129]));
