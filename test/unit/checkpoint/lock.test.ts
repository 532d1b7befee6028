import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lockRunDirectory } from '../../../src/checkpoint/lock.js';
import { S2sError } from '../../../src/errors.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 's2s-lock-'));
});
after(() => rm(folder, { recursive: true }));

async function runLockedBy(lock: { pid: number; host?: string; since?: Date } | string): Promise<string> {
  const run = await mkdtemp(join(folder, 'run-'));
  const text =
    typeof lock === 'string'
      ? lock
      : JSON.stringify({
          id: 'x',
          pid: lock.pid,
          host: lock.host ?? hostname(),
          since: (lock.since ?? new Date()).toISOString(),
        });
  await writeFile(join(run, '.lock'), text);
  return run;
}

test('a run directory can be locked once, and again after release', async () => {
  const run = join(folder, 'made', 'by-the-lock');
  const lock = await lockRunDirectory(run);
  await assert.rejects(lockRunDirectory(run), (error: unknown) => {
    assert.ok(error instanceof S2sError);
    assert.equal(error.code, 'run-directory-locked');
    assert.match(error.message, new RegExp(`process ${process.pid} on .* has been training here since`));
    assert.match(error.hint ?? '', /--run-dir.*delete .*\.lock/);
    return true;
  });
  await lock.release();
  assert.deepEqual(await readdir(run), []);
  await (await lockRunDirectory(run)).release();
});

test('of several concurrent attempts exactly one acquires the lock, stale or not', async () => {
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  for (const run of [join(folder, 'race'), await runLockedBy({ pid: dead })]) {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockRunDirectory(run)));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.deepEqual(await readdir(run), ['.lock']);
  }
});

test('the lock of a dead process, of an earlier boot, of a reused pid, or without content is taken over', async () => {
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  for (const stale of [{ pid: dead }, { pid: process.ppid, since: new Date(0) }, { pid: process.pid }, '']) {
    const run = await runLockedBy(stale);
    const lock = await lockRunDirectory(run);
    await assert.rejects(lockRunDirectory(run));
    await lock.release();
  }
});

test('the lock of a living process or of another machine is not taken over', async () => {
  for (const held of [{ pid: process.ppid }, { pid: 1 }, { pid: 1, host: 'elsewhere' }]) {
    await assert.rejects(lockRunDirectory(await runLockedBy(held)), /has been training here/);
  }
});

test('release does not delete the lock of another process', async () => {
  const run = join(folder, 'taken');
  const lock = await lockRunDirectory(run);
  await writeFile(
    join(run, '.lock'),
    JSON.stringify({ id: 'other', pid: 1, host: 'elsewhere', since: new Date().toISOString() }),
  );
  await lock.release();
  assert.deepEqual(await readdir(run), ['.lock']);
});
