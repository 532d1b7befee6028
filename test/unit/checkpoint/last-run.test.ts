import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readLastRun, writeLastRun } from '../../../src/checkpoint/last-run.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 's2s-last-run-'));
});
after(() => rm(folder, { recursive: true }));

test('the last run trained in a working directory is found, relative or absolute, while it exists', async () => {
  assert.equal(await readLastRun(folder), undefined);
  const elsewhere = await mkdtemp(join(tmpdir(), 's2s-elsewhere-'));
  for (const run of ['runs/a', elsewhere]) {
    await mkdir(join(folder, 'runs/a'), { recursive: true });
    assert.equal(await writeLastRun(run, folder), true);
    assert.equal(await readLastRun(folder), run.startsWith('/') ? run : join(folder, run));
  }
  await rm(elsewhere, { recursive: true });
  assert.equal(await readLastRun(folder), undefined);
});

test('a read-only working directory is not an error', async () => {
  const file = join(folder, 'a-file');
  await writeFile(file, '');
  assert.equal(await writeLastRun('runs/a', file), false);
});
