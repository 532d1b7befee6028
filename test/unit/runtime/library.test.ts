import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { S2sError } from '../../../src/errors.js';
import { installedLibrary } from '../../../src/runtime/library.js';
import { RECORD_FILE, tensorflowFolder } from '../../../src/setup/layout.mjs';

const NOBODY = 65534;
const cache = mkdtempSync(join(tmpdir(), 's2s-cache-'));
const before = process.env['S2S_CACHE'];
process.env['S2S_CACHE'] = cache;
after(() => {
  if (before === undefined) delete process.env['S2S_CACHE'];
  else process.env['S2S_CACHE'] = before;
  rmSync(cache, { recursive: true, force: true });
});

test('a cache that is not shared is not mistaken for an empty one', { skip: process.platform === 'win32' }, () => {
  assert.equal(installedLibrary('cpu'), undefined);
  chmodSync(cache, 0o755);
  const folder = tensorflowFolder('cpu');
  mkdirSync(folder);
  writeFileSync(join(folder, RECORD_FILE), '{}');
  chmodSync(folder, 0);
  // The superuser may read everything.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    assert.throws(
      () => installedLibrary('cpu'),
      (error) =>
        error instanceof S2sError &&
        error.code === 'cache-unreadable' &&
        error.place?.file === join(folder, RECORD_FILE) &&
        (error.hint ?? '').includes(`chmod -R a+rX ${cache}`),
    );
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(folder, 0o700);
  }
});
