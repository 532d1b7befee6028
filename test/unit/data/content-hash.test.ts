import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { contentHashes } from '../../../src/data/content-hash.js';
import { temporaryFolder } from './fixtures.js';

const { folder, write } = temporaryFolder();
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const memoryFile = path.join(folder, 'content-hashes.json');

test('small files are always hashed, and their hashes are not cached', async () => {
  const file = write('small', 'one');
  assert.deepEqual(await contentHashes([file, file], folder), [sha256('one'), sha256('one')]);
  assert.throws(() => readFileSync(memoryFile), /ENOENT/);
});

test('a folder or a missing file has no content hash', async () => {
  assert.equal(await contentHashes([folder], folder), undefined);
  assert.equal(await contentHashes([path.join(folder, 'none')], folder), undefined);
});

test('large files are hashed again only if their metadata changed', async () => {
  const file = write('large', 'one');
  const always = 0;
  assert.deepEqual(await contentHashes([file], folder, always), [sha256('one')]);
  assert.throws(() => readFileSync(memoryFile), /ENOENT/, 'a file changed a moment ago may change again unseen');
  await sleep(2100);
  assert.deepEqual(await contentHashes([file], folder, always), [sha256('one')]);
  const remembered = JSON.parse(readFileSync(memoryFile, 'utf8')) as Record<
    string,
    { signature: string; sha256: string }
  >;
  assert.equal(remembered[file]?.sha256, sha256('one'));

  writeFileSync(memoryFile, JSON.stringify({ [file]: { ...remembered[file], sha256: 'remembered' } }));
  assert.deepEqual(await contentHashes([file], folder, always), ['remembered'], 'this time it was not read');

  writeFileSync(file, 'two');
  utimesSync(file, new Date(1e12), new Date(1e12));
  assert.deepEqual(await contentHashes([file], folder, always), [sha256('two')], 'same size, old modification time');

  writeFileSync(memoryFile, '{ spoilt');
  assert.deepEqual(await contentHashes([file], folder, always), [sha256('two')]);
});
