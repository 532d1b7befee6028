import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
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

test('a checkpoint or a file of a run is not a run, and the error has the options that are meant', async () => {
  const run = join(folder, 'my run');
  const checkpoint = join(run, 'checkpoints', 'step-00000005');
  mkdirSync(checkpoint, { recursive: true });
  writeFileSync(join(run, 'config.yaml'), '');
  const hintOf = async (model: string): Promise<string | undefined> =>
    findRun(model, undefined, {}).then(
      () => undefined,
      (error: UsageError) => error.hint,
    );
  assert.equal(await hintOf(run), undefined);
  assert.equal(await hintOf(checkpoint), `Use: --model '${run}' --checkpoint 5`);
  assert.equal(await hintOf(join(checkpoint, 'model.safetensors')), `Use: --model '${run}' --checkpoint 5`);
  assert.equal(await hintOf('my run/checkpoints/step-00000005/'), "Use: --model 'my run' --checkpoint 5");
  assert.equal(await hintOf(join(run, 'checkpoints')), `Use: --model '${run}'`);
  assert.equal(await hintOf(join(run, 'config.yaml')), `Use: --model '${run}'`);
});
