import assert from 'node:assert/strict';
import fs, { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, mock, test } from 'node:test';
import fc from 'fast-check';
import { configSchema, type TokenizerConfig } from '../../../src/config/schema.js';
import { S2sError } from '../../../src/errors.js';
import {
  copyVocabulary,
  learnSettingsByRole,
  vocabularyState,
  writeVocabulary,
  type Replaceable,
} from '../../../src/text/vocabulary-file.js';

const root = mkdtempSync(join(tmpdir(), 's2s-vocabulary-file-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
function newFolder(): string {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  return folder;
}

const FILES = { shared: 'tokenizer.json', source: 'tokenizer.source.json', target: 'tokenizer.target.json' } as const;

function settings(shared: boolean, size = 60): TokenizerConfig {
  return configSchema.shape.tokenizer.parse({ shared, size });
}

/** Writes a fake vocabulary, since only file contents matter here. */
function write(folder: string, shared: boolean, text: string, replace?: Replaceable): void {
  writeVocabulary(
    folder,
    text,
    learnSettingsByRole(settings(shared)).map(([role, own]) => ({
      role,
      settings: own,
      json: `"${role} from ${text}"`,
    })),
    replace,
  );
}

function contents(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name !== 'vocabulary.json')
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
}

test('no sequence of operations replaces a file that s2s did not write', () => {
  const foreignRoles = fc.subarray(['shared', 'source', 'target'] as const);
  const step = fc.record({ shared: fc.boolean(), text: fc.constantFrom('a', 'b'), copied: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 3 }),
      foreignRoles,
      fc.array(step, { minLength: 1, maxLength: 3 }),
      (before, foreign, later) => {
        const folder = newFolder();
        const other = newFolder();
        const apply = ({ shared, text, copied }: { shared: boolean; text: string; copied: boolean }): void => {
          if (copied) write(other, shared, text);
          try {
            if (copied) copyVocabulary(other, folder, shared ? ['shared'] : ['source', 'target']);
            else write(folder, shared, text);
          } catch (error) {
            assert.ok(
              error instanceof S2sError && error.code === 'tokenizer-foreign' && error.exitCode === 2,
              String(error),
            );
          }
        };
        before.forEach(apply);
        for (const role of foreign) writeFileSync(join(folder, FILES[role]), `"mine: ${role}"`);
        later.forEach(apply);
        const now = contents(folder);
        for (const role of foreign) assert.equal(now[FILES[role]], `"mine: ${role}"`);
        // Without foreign files, the last operation determines the result.
        const last = later.at(-1)!;
        if (foreign.length === 0)
          assert.equal(
            now[last.shared ? FILES.shared : FILES.target],
            `"${last.shared ? 'shared' : 'target'} from ${last.text}"`,
          );
      },
    ),
    { numRuns: 300 },
  );
});

test('nothing is written on an error, and --force replaces', () => {
  for (const [foreign, shared] of [
    ['shared', false],
    ['source', false],
    ['target', false],
    ['source', true],
    ['shared', true],
  ] as const) {
    const folder = newFolder();
    writeFileSync(join(folder, FILES[foreign]), '"mine"');
    assert.throws(() => write(folder, shared, 'a'), {
      code: 'tokenizer-foreign',
      exitCode: 2,
      place: { file: join(folder, FILES[foreign]) },
    });
    assert.deepEqual(readdirSync(folder), [FILES[foreign]]);
    write(folder, shared, 'a', 'any');
    assert.deepEqual(Object.keys(contents(folder)).sort(), shared ? [FILES.shared] : [FILES.source, FILES.target]);
    assert.equal(vocabularyState(folder, settings(shared), 'a').state, 'current');
  }
});

test('with `none`, missing files and files with equal content are allowed', () => {
  const folder = newFolder();
  write(folder, false, 'a', 'none');
  rmSync(join(folder, FILES.target));
  write(folder, false, 'a', 'none');
  assert.equal(vocabularyState(folder, settings(false), 'a').state, 'current');
  const before = contents(folder);
  assert.throws(() => write(folder, false, 'b', 'none'), { code: 'tokenizer-kept', exitCode: 2 });
  assert.throws(() => write(folder, true, 'a', 'none'), { code: 'tokenizer-kept', exitCode: 2 });
  assert.deepEqual(contents(folder), before);
});

test('a vocabulary.json of another program is not replaced, either', () => {
  const folder = newFolder();
  writeFileSync(join(folder, 'vocabulary.json'), '["mine"]');
  assert.throws(() => write(folder, true, 'a'), {
    code: 'tokenizer-foreign',
    place: { file: join(folder, 'vocabulary.json') },
  });
  assert.throws(() => copyVocabulary(withVocabulary(), folder, ['shared']), {
    code: 'tokenizer-foreign',
    place: { file: join(folder, 'vocabulary.json') },
  });
  assert.equal(readFileSync(join(folder, 'vocabulary.json'), 'utf8'), '["mine"]');
});

test('a copy can be replaced by another copy and counts as stale', () => {
  const folder = newFolder();
  copyVocabulary(withVocabulary('a'), folder, ['shared']);
  copyVocabulary(withVocabulary('b'), folder, ['shared']);
  assert.deepEqual(contents(folder), { [FILES.shared]: '"shared from b"' });
  assert.equal(vocabularyState(folder, settings(true), 'b').state, 'stale');
});

test('after an interruption between two files, all still count as written by s2s', () => {
  const folder = newFolder();
  write(folder, false, 'a');
  const { renameSync } = fs;
  const rename = mock.method(fs, 'renameSync', (from: string, to: string) => {
    if (to.endsWith(FILES.target)) throw new Error('interrupted');
    renameSync(from, to);
  });
  syncBuiltinESMExports();
  assert.throws(() => write(folder, false, 'b'), /interrupted/);
  rename.mock.restore();
  syncBuiltinESMExports();
  assert.deepEqual(contents(folder), { [FILES.source]: '"source from b"', [FILES.target]: '"target from a"' });
  write(folder, false, 'c');
  assert.deepEqual(contents(folder), { [FILES.source]: '"source from c"', [FILES.target]: '"target from c"' });
});

function withVocabulary(text = 'a'): string {
  const folder = newFolder();
  write(folder, true, text);
  return folder;
}
