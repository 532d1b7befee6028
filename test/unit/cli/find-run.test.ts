import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { rememberRun } from '../../../src/checkpoint/last-run.js';
import { findRun } from '../../../src/cli/find-run.js';
import { UsageError } from '../../../src/errors.js';

const home = process.cwd();
const folder = realpathSync(mkdtempSync(join(tmpdir(), 's2s-find-run-')));
process.chdir(folder);
after(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

test('without any model, what to do', async () => {
  await assert.rejects(findRun(undefined, undefined, {}), (error) => error instanceof UsageError && error.code === 'no-model' && /--model DIR.*S2S_MODEL.*--config.*s2s train/.test(error.hint ?? ''));
  await assert.rejects(findRun(undefined, undefined, { S2S_MODEL: '' }), UsageError);
});

test('--model, S2S_MODEL, the configuration, the last run, in this order and absolute', async () => {
  await rememberRun(folder);
  assert.equal(await findRun('flag', '/configured', { S2S_MODEL: 'variable' }), resolve('flag'));
  assert.equal(await findRun(undefined, '/configured', { S2S_MODEL: 'variable' }), resolve('variable'));
  assert.equal(await findRun(undefined, '/configured', { S2S_MODEL: '' }), '/configured');
  assert.equal(await findRun(undefined, undefined, {}), folder);
});
