import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemError, type S2sError } from '../../../src/errors.js';
import { makeFolder, shareFolder } from '../../../src/files/make-folder.mjs';

const root = mkdtempSync(join(tmpdir(), 's2s-make-folder-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('a folder is made with its parents, and one that exists is left', () => {
  makeFolder(join(root, 'a', 'b'));
  makeFolder(join(root, 'a', 'b'));
  assert.ok(existsSync(join(root, 'a', 'b')));
});

test('an error has the reason and the folder that was to be made', () => {
  writeFileSync(join(root, 'file'), '');
  const reported = (folder: string): string => {
    try {
      makeFolder(folder);
    } catch (error) {
      const { place, message } = systemError(error) as S2sError;
      return `${place?.file}: ${message}`;
    }
    return 'no error';
  };
  const below = join(root, 'file', 'x', 'y');
  assert.equal(reported(below), `${below}: the folder cannot be created: a part of this path is a file, not a folder`);
  const same = join(root, 'file');
  assert.equal(reported(same), `${same}: the folder cannot be created: a file has this name`);
  // The recursive mkdir of Node does not return here.
  if (process.platform === 'linux')
    assert.match(reported('/proc/x/y/z'), /^\/proc\/x\/y\/z: the folder cannot be created/);
});

test('the folder of mkdtemp is shared with those whom the umask lets in', () => {
  const folder = mkdtempSync(join(root, 'private-'));
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  const before = process.umask(0o022);
  try {
    shareFolder(folder);
    assert.equal(statSync(folder).mode & 0o777, 0o755);
    process.umask(0o007);
    shareFolder(folder);
    assert.equal(statSync(folder).mode & 0o777, 0o770);
  } finally {
    process.umask(before);
  }
});
