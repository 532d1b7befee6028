import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

test('--save-attention writes one JSON object per input line, for the best translation', async () => {
  const input = `${LINES.join('\n')}\n\u200b\n`;
  const file = join(folder, 'attention.jsonl');
  writeFileSync(file, 'an older file\n'.repeat(1000));
  const plain = await runCommand(['translate', '--model', run, '--format', 'jsonl'], { input });
  const texts: string[] = [];
  for (const more of [[], ['--n-best', '3'], ['--format', 'tsv', '--scores']]) {
    const { code, stdout, stderr } = await runCommand(
      ['translate', '--model', run, '--save-attention', file, ...more],
      { input },
    );
    assert.deepEqual([code, stderr], [0, '']);
    if (more.length === 0) assert.equal(stdout, (await runCommand(['translate', '--model', run], { input })).stdout);
    texts.push(readFileSync(file, 'utf8'));
  }
  assert.deepEqual(texts, [texts[0], texts[0], texts[0]]);
  const lines = texts[0]!.trimEnd().split('\n');
  assert.equal(lines.length, LINES.length + 1);
  const translations = plain.stdout.trimEnd().split('\n');
  for (const [index, line] of lines.entries()) {
    const map = JSON.parse(line) as { line: number; source: string[]; target: string[]; weights: number[][] };
    const { source, translation } = JSON.parse(translations[index]!) as { source: string; translation: string };
    assert.equal(map.line, index + 1);
    if (source.replaceAll('\u200b', '').trim() === '') {
      assert.deepEqual(map, { line: index + 1, source: [], target: [], weights: [] });
      continue;
    }
    const text = (tokens: readonly string[]): string =>
      tokens.join('').replace('</s>', '').replaceAll('▁', ' ').trim().replaceAll(/ +/g, ' ');
    assert.deepEqual([text(map.source), text(map.target)], [source, translation.trim().replaceAll(/ +/g, ' ')]);
    assert.equal(map.weights.length, map.target.length);
    for (const row of map.weights) {
      assert.equal(row.length, map.source.length);
      assert.ok(Math.abs(row.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-4);
    }
  }
  const table = spawnSync(process.execPath, ['scripts/attention-table.mjs', file, '6'], { encoding: 'utf8' });
  const rows = table.stdout.split('\n');
  const { source, target, weights } = JSON.parse(lines[5]!) as {
    source: string[];
    target: string[];
    weights: number[][];
  };
  assert.deepEqual(rows[0]!.trim().split(/ +/), source);
  assert.equal(rows.length, target.length + 2);
  assert.deepEqual(
    rows[1]!.split(/ +/).slice(1),
    weights[0]!.map((weight) => String(Math.round(100 * weight) || '·')),
  );
});

test('errors of --save-attention', async () => {
  const without = join(folder, 'without-attention');
  await makeTinyRun(without, { decoder: { hiddenSize: 8, attention: 'none' } });
  writeFileSync(join(folder, 'in.txt'), 'the dog\n');
  writeFileSync(join(folder, 'kept.jsonl'), 'kept');
  const cases: [string[], RegExp, number][] = [
    [['--save-attention', '-'], /--save-attention must name a file/, 2],
    [['--save-attention'], /save-attention/, 2],
    [['--save-attention', folder], /the attention weights cannot be written there: it is a directory/, 1],
    [['--save-attention', join(folder, 'no', 'a.jsonl')], /directory does not exist[^]*after --save-attention/, 1],
    [['--save-attention', join(folder, 'in.txt')], /it is an input of this command/, 1],
    [['--model', without, '--save-attention', join(folder, 'kept.jsonl')], /this model has no attention/, 2],
    [['--attention', 'a.jsonl'], /--save-attention FILE/, 2],
  ];
  for (const [args, message, code] of cases) {
    const result = await runCommand(['translate', join(folder, 'in.txt'), '--model', run, ...args]);
    assert.match(result.stderr, message);
    assert.deepEqual([result.code, result.stdout], [code, ''], args.join(' '));
  }
  assert.equal(readFileSync(join(folder, 'in.txt'), 'utf8'), 'the dog\n');
  assert.equal(readFileSync(join(folder, 'kept.jsonl'), 'utf8'), 'kept');
  if (!existsSync('/dev/full')) return;
  const full = await runCommand(['translate', join(folder, 'in.txt'), '--model', run, '--save-attention', '/dev/full']);
  assert.match(full.stderr, /^error: \/dev\/full: no space is left on the device; the attention weights .*complete/);
  assert.equal(full.code, 1);
  assert.match(full.stdout, /^.*\n$/, 'the translation is not lost');
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

test('no format has a carriage return, and invisible lines are copied', async () => {
  const input = 'the dog\r\n\r\nfox\rdog\r\n\u200b\r\n\0\n\u00ad\u2060\u200e';
  for (const more of [
    [],
    ['--scores'],
    ['--n-best', '2'],
    ['--format', 'tsv'],
    ['--format', 'jsonl'],
    ['--format', 'tsv', '--n-best', '2'],
    ['--set', 'decoding.copyUnknown=true'],
  ]) {
    const { code, stdout, stderr } = await runCommand(['translate', '--model', run, ...more], { input });
    assert.deepEqual([code, stderr], [0, ''], more.join(' '));
    assert.doesNotMatch(stdout, /\r|\\r/);
    if (!more.includes('--n-best')) assert.equal(stdout.split('\n').length, 7);
  }
  const { stdout } = await runCommand(['translate', '--model', run], { input });
  const lines = stdout.split('\n');
  assert.deepEqual([lines[1], ...lines.slice(3)], ['', '\u200b', '\0', '\u00ad\u2060\u200e', '']);
});

test('invalid bytes are read as U+FFFD, the first lines are named, and the others counted', async () => {
  const bad = Buffer.from('\xff\n'.repeat(5), 'latin1');
  const input = Buffer.concat([Buffer.from('fox\n'), bad, Buffer.from('fox\n')]);
  const { code, stdout, stderr } = await runCommand(['translate', '--model', run], { input });
  assert.equal(code, 0, stderr);
  const fox = (await runCommand(['translate', '--model', run], { input: 'fox\n' })).stdout.trimEnd();
  const lines = stdout.split('\n');
  assert.deepEqual([lines.length, lines[0], lines[6]], [8, fox, fox]);
  assert.deepEqual(
    [...stderr.matchAll(/stdin:(\d+): the line is not valid UTF-8/g)].map(([, line]) => line),
    ['2', '3', '4'],
  );
  assert.match(stderr, /warning: 5 lines are not valid UTF-8\. .*iconv/);
});

test('SIGINT ends with 130 after complete lines', async () => {
  const child = spawn(process.execPath, [resolve('bin/s2s.js'), 'translate', '--model', run], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stderr.setEncoding('utf8').on('data', (part: string) => (output.stderr += part));
  child.stdout.setEncoding('utf8').on('data', (part: string) => (output.stdout += part));
  child.stdin.on('error', () => undefined);
  child.stdin.write('fox\n');
  await once(child.stdout, 'data');
  child.stdin.write('the quick brown fox\n'.repeat(20_000));
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  const [code] = (await once(child, 'close')) as [number | null];
  assert.deepEqual([code, output.stderr], [130, '']);
  assert.ok(output.stdout.endsWith('\n'));
});

test('a full disk at stdout is one line without a stack trace', { skip: !existsSync('/dev/full') }, () => {
  writeFileSync(join(folder, 'fox.txt'), 'fox\n');
  const full = openSync('/dev/full', 'w');
  for (const args of [
    ['translate', '--model', run, join(folder, 'fox.txt')],
    ['tokenize', '--model', run, join(folder, 'fox.txt')],
    ['config', '--schema'],
    ['--help'],
  ]) {
    const { status, stderr } = spawnSync(process.execPath, [resolve('bin/s2s.js'), ...args], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    assert.equal(stderr, 'error: stdout: no space is left on the device\n' + stderr.split('\n')[1] + '\n');
    assert.match(stderr, /\nFree some space/);
    assert.equal(status, 1);
    const quiet = spawnSync(process.execPath, [resolve('bin/s2s.js'), ...args], { stdio: ['ignore', 'pipe', full] });
    assert.equal(quiet.status, 0, 'messages that cannot be written do not stop a command');
    assert.ok(quiet.stdout.length > 0);
  }
  closeSync(full);
});
