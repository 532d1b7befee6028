import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { writeLastRun } from '../../src/checkpoint/last-run.js';
import { loadTensorFlow } from '../../src/runtime/tensorflow.js';
import { runCommand } from '../support/command.js';
import { makeTinyRun } from '../support/tiny-run.js';

const folder = mkdtempSync(join(tmpdir(), 's2s-translate-'));
after(() => rmSync(folder, { recursive: true }));
const run = join(folder, 'run');
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
  await makeTinyRun(run);
});

const LINES = ['the dog', '', 'a quick fox', '  ', 'over the lazy brown dog', 'fox'];

test('each input line gives one output line, which does not depend on the other lines', async () => {
  const { code, stdout, stderr } = await runCommand(['translate', '--model', run], { input: `${LINES.join('\n')}\n` });
  assert.equal(code, 0, stderr);
  const translations = stdout.split('\n');
  assert.equal(translations.length, LINES.length + 1);
  assert.equal(translations[1], '');
  assert.equal(translations[3], '  ');
  assert.ok(translations[0] !== '' && translations[0] !== translations[2]);
  const alone = await runCommand(['translate', '--model', run], { input: LINES[4] });
  assert.equal(alone.stdout, `${translations[4]}\n`);
});

test('the model is found by --model, the configuration, S2S_MODEL, or the last run', async () => {
  const here = join(folder, 'here');
  mkdirSync(here);
  const input = 'the dog\n';
  const { stdout } = await runCommand(['translate', '--model', run], { input });
  const unnamed = await runCommand(['translate'], { input, cwd: here });
  assert.equal(unnamed.code, 2);
  assert.match(unnamed.stderr, /No model was given[^]*--model DIR/);
  assert.equal((await runCommand(['translate'], { input, cwd: here, env: { S2S_MODEL: run } })).stdout, stdout);
  assert.equal(
    (await runCommand(['translate', '--config', join(run, 'config.yaml')], { input, cwd: here })).stdout,
    stdout,
  );
  const elsewhere = { S2S_MODEL: join(folder, 'nowhere') };
  assert.equal(
    (await runCommand(['translate', '--config', join(run, 'config.yaml')], { input, cwd: here, env: elsewhere }))
      .stdout,
    stdout,
  );
  assert.equal((await runCommand(['translate', '--model', run], { input, cwd: here, env: elsewhere })).stdout, stdout);
  await writeLastRun(run, here);
  assert.equal((await runCommand(['translate'], { input, cwd: here })).stdout, stdout);
});

test('a line that is too long gives an empty line and a warning', async () => {
  const { code, stdout, stderr } = await runCommand(['translate', '--model', run], {
    input: `fox\n${'x'.repeat(3 << 20)}\nfox\n`,
  });
  assert.equal(code, 0, stderr);
  const [first, skipped, last] = stdout.split('\n');
  assert.deepEqual([skipped, last], ['', first]);
  assert.match(stderr, /^warning: stdin:2: skipped a line longer than 1048576 bytes/m);
});

test('files and stdin are translated in order', async () => {
  writeFileSync(join(folder, 'a.txt'), 'the dog\nfox');
  writeFileSync(join(folder, 'b.gz'), gzipSync('fox\n'));
  const { code, stdout } = await runCommand(
    ['translate', '--model', run, join(folder, 'a.txt'), '-', join(folder, 'b.gz')],
    { input: 'the dog\n' },
  );
  assert.equal(code, 0);
  const [dog, fox, ...rest] = stdout.split('\n');
  assert.deepEqual(rest, [dog, fox, '']);
});

test('n-best lists and scores, as text and JSON', async () => {
  const input = 'the dog\n\nfox\n';
  const nBest = await runCommand(['translate', '--model', run, '--n-best', '2'], { input });
  assert.deepEqual(
    nBest.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0]),
    ['0', '0', '1', '2', '2'],
  );
  const json = await runCommand(['translate', '--model', run, '--format', 'jsonl', '--beam-size', '1'], { input });
  const objects = json.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { line: number; source: string; translation: string; score: number });
  assert.deepEqual(
    objects.map(({ line, source }) => [line, source]),
    [
      [1, 'the dog'],
      [2, ''],
      [3, 'fox'],
    ],
  );
  const greedy = await runCommand(['translate', '--model', run, '--set', 'decoding.beamSize=1', '--scores'], { input });
  assert.equal(
    greedy.stdout,
    objects.map(({ translation, score }) => `${translation}\t${score.toFixed(4)}\n`).join(''),
  );
});

test('a line is translated before the next line is read', async () => {
  const child = spawn(process.execPath, [resolve('bin/s2s.js'), 'translate', '--model', run], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  for (const line of ['the dog', '', 'fox']) {
    child.stdin.write(`${line}\n`);
    const { value } = (await answers.next()) as { value: string };
    assert.equal(value === '', line === '');
  }
  child.stdin.end();
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0);
});

test('errors are reported before translating', async () => {
  const cases: [string[], RegExp, number][] = [
    [['--model', join(folder, 'nowhere')], /nowhere: is not a run directory/, 2],
    [['--model', run, '--n-best', '9'], /--n-best must be an integer from 1 to the beam size \(3\), but is 9/, 2],
    [['--model', run, '--checkpoint', '7'], /there is no checkpoint of step 7\nAvailable steps: 10 \(best\)\./, 2],
    [['--model', run, '--checkpoint', 'newest'], /--checkpoint must be best, last or the number of a step/, 2],
    [['--model', run, '--set', 'decoding.beamsize=4'], /Did you mean decoding\.beamSize\?/, 2],
    [['--model', run, join(folder, 'a.txt'), join(folder, 'missing.txt')], /missing\.txt: there is no such file/, 1],
    [['--model', run, join(folder, 'a.txt'), folder], /is a folder, not a file/, 1],
  ];
  for (const [args, message, code] of cases) {
    const result = await runCommand(['translate', ...args], { input: 'the dog\n' });
    assert.match(result.stderr, message);
    assert.equal(result.code, code);
    assert.equal(result.stdout, '');
  }
});

test('an invalid UTF-8 line is reported after the translations of the lines before it', async () => {
  const { code, stdout, stderr } = await runCommand(['translate', '--model', run], {
    input: Buffer.concat([Buffer.from('fox\n'), Buffer.from([0xff, 0x0a])]),
  });
  assert.equal(code, 1);
  assert.match(stderr, /stdin:2: the line is not valid UTF-8/);
  assert.equal(stdout, (await runCommand(['translate', '--model', run], { input: 'fox\n' })).stdout);
});
