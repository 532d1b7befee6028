import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { writeLastRun } from '../../../src/checkpoint/last-run.js';
import { findRun } from '../../../src/cli/find-run.js';
import { UsageError } from '../../../src/errors.js';

const home = process.cwd();
const folder = realpathSync(mkdtempSync(join(tmpdir(), 's2s-find-run-')));
process.chdir(folder);
after(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

test('without a run directory, the error has the fix', async () => {
  await assert.rejects(
    findRun(undefined, undefined, {}),
    (error) =>
      error instanceof UsageError &&
      error.code === 'no-model' &&
      /--model DIR.*--config.*S2S_MODEL.*s2s train/.test(error.hint ?? ''),
  );
  await assert.rejects(findRun(undefined, undefined, { S2S_MODEL: '' }), UsageError);
});

test('priority: --model, configuration, S2S_MODEL, last run; the result is absolute', async () => {
  await writeLastRun(folder);
  const order = ['flag', '/configured', 'variable', folder] as const;
  const [flag, configured, variable] = order;
  for (const from of order.keys()) {
    const given = order.map((value, place) => (place >= from ? value : undefined));
    assert.equal(await findRun(given[0], given[1], { S2S_MODEL: given[2] ?? '' }), resolve(order[from]!));
  }
  assert.equal(await findRun(flag, undefined, { S2S_MODEL: variable }), resolve(flag));
  assert.equal(await findRun(undefined, configured, {}), configured);
});
