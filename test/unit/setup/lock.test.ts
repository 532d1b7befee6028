import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../../../src/setup/lock.mjs';

const folder = mkdtempSync(join(tmpdir(), 's2s-lock-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('concurrent work runs sequentially', async () => {
  const file = join(folder, 'a.lock');
  const said: string[] = [];
  const log: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    log.push(`${name} begins`);
    await sleep(100);
    log.push(`${name} ends`);
  };
  await Promise.all([
    withLock(file, (text) => said.push(text), work('one')),
    withLock(file, (text) => said.push(text), work('two')),
  ]);
  assert.deepEqual(log, ['one begins', 'one ends', 'two begins', 'two ends']);
  assert.equal(said.length, 1);
  assert.ok(!existsSync(file));
});

test('the lock of a dead process is ignored', async () => {
  const file = join(folder, 'b.lock');
  writeFileSync(file, JSON.stringify({ pid: 2 ** 30, host: hostname() }));
  assert.equal(
    await withLock(
      file,
      () => assert.fail('no wait'),
      async () => 'done',
    ),
    'done',
  );
});

test('an error releases the lock', async () => {
  const file = join(folder, 'c.lock');
  await assert.rejects(
    withLock(
      file,
      () => undefined,
      async () => Promise.reject(new Error('broken')),
    ),
    /broken/,
  );
  assert.ok(!existsSync(file));
});
