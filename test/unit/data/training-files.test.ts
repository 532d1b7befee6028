import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Config } from '../../../src/config/schema.js';
import { assertTrainingFiles, assertVocabularyFiles } from '../../../src/data/training-files.js';
import { messageOf, temporaryFolder } from './fixtures.js';

const { folder, write } = temporaryFolder();
const good = write('good.tsv', 'a\tb\n');
const pipe = join(folder, 'pipe');
execFileSync('mkfifo', [pipe]);
const config = (train: object, dev: object): Config => ({ data: { train: [train], dev: [dev] } }) as unknown as Config;

test('a pipe without a writer is refused at once for training, and not opened for the vocabulary', async () => {
  const message = 'is a pipe, and training reads its text more than once: write it to a file first';
  assert.equal(
    await messageOf(() => assertTrainingFiles(config({ source: good, target: pipe }, { file: good })), folder),
    `pipe: data.train[0].target ${message}`,
  );
  await assert.rejects(assertTrainingFiles(config({ file: good }, { file: pipe })), {
    message: `data.dev[0].file ${message}`,
    exitCode: 2,
  });
  await assertVocabularyFiles(config({ file: pipe }, { file: good }));
  await assert.rejects(assertTrainingFiles(config({ file: '/dev/null' }, { file: good })), /is a device/);
});

test('files that are not text are refused before anything is read from the others', async () => {
  const zip = write('dev.tsv', Buffer.from('504b030414000000', 'hex'));
  for (const check of [assertTrainingFiles, assertVocabularyFiles]) {
    await assert.rejects(check(config({ file: good }, { file: zip })), { code: 'not-text', exitCode: 1 });
    await check(config({ file: good }, { file: good }));
  }
});
