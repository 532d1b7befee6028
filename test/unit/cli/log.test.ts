import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Log, LOG_LEVELS, type LogLevel } from '../../../src/cli/log.js';
import { stderrOf } from './stderr.js';

function logged(level: LogLevel): string {
  const log = new Log(level);
  return stderrOf(() => {
    for (const severity of LOG_LEVELS) log[severity](`some ${severity}`);
  });
}

test('each level includes the more severe levels', () => {
  const lines = ['error: some error\n', 'warning: some warn\n', 'some info\n', 'some debug\n'];
  for (const [index, level] of LOG_LEVELS.entries()) assert.equal(logged(level), lines.slice(0, index + 1).join(''));
});

test('`around` wraps only lines that are written', () => {
  const log = new Log('info');
  let times = 0;
  log.around = (write) => {
    times += 1;
    write();
  };
  assert.equal(
    stderrOf(() => [log.info('a'), log.debug('b')]),
    'a\n',
  );
  assert.equal(times, 1);
});
