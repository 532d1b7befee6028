import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Log, LOG_LEVELS, type LogLevel } from '../../../src/cli/log.js';
import { stderrOf } from './stderr.js';

function logged(level: LogLevel): string {
  const log = new Log(level);
  return stderrOf(() => {
    for (const urgency of LOG_LEVELS) log[urgency](`some ${urgency}`);
  });
}

test('a level lets through itself and what is more urgent', () => {
  const lines = ['error: some error\n', 'warning: some warn\n', 'some info\n', 'some debug\n'];
  for (const [index, level] of LOG_LEVELS.entries()) assert.equal(logged(level), lines.slice(0, index + 1).join(''));
});

test('a progress bar makes way for lines that are written, and only for those', () => {
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
