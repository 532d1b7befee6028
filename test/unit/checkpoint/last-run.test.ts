import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lastRun, rememberRun } from '../../../src/checkpoint/last-run.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 's2s-last-run-'));
});
after(() => rm(folder, { recursive: true }));

test('the last run trained in a folder is found from there, relative or absolute, as long as it exists', async () => {
  assert.equal(await lastRun(folder), undefined);
  const elsewhere = await mkdtemp(join(tmpdir(), 's2s-elsewhere-'));
  for (const run of ['runs/a', elsewhere]) {
    await mkdir(join(folder, 'runs/a'), { recursive: true });
    assert.equal(await rememberRun(run, folder), true);
    assert.equal(await lastRun(folder), run.startsWith('/') ? run : join(folder, run));
  }
  await rm(elsewhere, { recursive: true });
  assert.equal(await lastRun(folder), undefined);
});

test('a working directory that cannot be written to is no error', async () => {
  const file = join(folder, 'a-file');
  await writeFile(file, '');
  assert.equal(await rememberRun('runs/a', file), false);
});
