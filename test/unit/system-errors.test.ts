import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { describeReadError, S2sError, systemError } from '../../src/errors.js';
import { describeSystemError, isSystemError, remedyOf } from '../../src/system-errors.js';

function errorOf(code: string, syscall = 'write', more: object = {}): Error {
  return Object.assign(new Error(`${code}: words of Node, ${syscall} '/x'`), { code, syscall, errno: -1, ...more });
}

test('errors of the system have a problem and a remedy in plain words', () => {
  const codes = 'ENOSPC EROFS EDQUOT EACCES EPERM EMFILE ENFILE ENOTDIR ENAMETOOLONG EIO EFBIG ENOMEM ESTALE'.split(
    ' ',
  );
  for (const code of codes) {
    const error = errorOf(code);
    assert.ok(isSystemError(error));
    assert.doesNotMatch(describeSystemError(error), /words of Node|E[A-Z]{3}/, code);
    assert.match(remedyOf(error) ?? '', /\w+.*[.]$/, code);
  }
  const unknown = errorOf('EXYZ');
  assert.ok(isSystemError(unknown));
  assert.equal(describeSystemError(unknown), 'words of Node');
  const folder = errorOf('EROFS', 'mkdir');
  assert.ok(isSystemError(folder));
  assert.equal(describeSystemError(folder), 'the folder cannot be created: the file system is read-only');
});

test('a converted error names the file, the note and what to do', () => {
  const error = systemError(errorOf('ENOSPC', 'write', { path: 'a/b' }), { note: 'all is well', hint: 'Go on.' });
  assert.ok(error instanceof S2sError);
  assert.deepEqual([error.place, error.exitCode], [{ file: 'a/b' }, 1]);
  assert.equal(error.message, 'no space is left on the device; all is well');
  assert.match(error.hint ?? '', /^Free some space.* Go on\.$/);
  const renamed = systemError(errorOf('EXDEV', 'rename', { path: 'draft', dest: 'final' }));
  assert.equal((renamed as S2sError).place?.file, 'final');
});

test('other errors are not changed', () => {
  for (const error of [new TypeError('x'), new S2sError('a', 'b'), 'text', undefined])
    assert.equal(systemError(error), error);
});

test('errors of reading are described in the same words', () => {
  assert.throws(
    () => readFileSync('package.json/x'),
    (error) => describeReadError(error) === 'cannot be read: a part of this path is a file, not a folder',
  );
});
