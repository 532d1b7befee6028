import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { comparisonTable } from '../../bench/table.mjs';

const folder = mkdtempSync(join(tmpdir(), 's2s-compare-'));
after(() => rmSync(folder, { recursive: true }));

/** Writes a fake peer in JavaScript, which runs with --python set to Node. */
function peer(name: string, code: string): string {
  const path = join(folder, name);
  writeFileSync(path, code);
  return path;
}

function compare(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['bench/compare.mjs', ...args], { encoding: 'utf8' });
}

test('both programs get the same options, and the table has their speeds', () => {
  // The peer has a speed of 100, so the ratio with two decimals has the digits of the rounded speed of s2s.
  const fake = peer(
    'peer.cjs',
    `
    if (process.argv.includes('--help')) process.exit(0);
    const { stringify } = JSON;
    console.log(stringify({ system: process.argv.slice(2).join(' '), target_tokens_per_second: 100 }));`,
  );
  const { status, stdout, stderr } = compare(
    '--python',
    process.execPath,
    '--peer',
    fake,
    '--rounds',
    '1',
    '--models',
    'lstm',
    '--decode',
    '--steps',
    '1',
    '--warmup',
    '0',
  );
  assert.equal(status, 0, stderr);
  const [head, , header, , row] = stdout.split('\n');
  assert.match(
    head!,
    new RegExp(
      '^s2s \\S+, TensorFlow \\S+ and --model lstm --dtype float32 --decode --steps 1 --warmup 0 --device cpu, ' +
        'device cpu, greedy decoding, 1 round$',
    ),
  );
  assert.deepEqual(header!.split(' | ').slice(0, 6), [
    '| model',
    'dtype',
    's2s, target tokens/s',
    'PyTorch, target tokens/s',
    's2s / PyTorch (range)',
    'peak memory, s2s',
  ]);
  const cells = row!.split(' | ');
  assert.deepEqual(cells.slice(0, 2), ['| lstm', 'float32']);
  assert.equal(cells[3], '100');
  const ratio = (Number(cells[2]!.replaceAll(',', '')) / 100).toFixed(2);
  assert.equal(cells[4], `${ratio} (${ratio} to ${ratio})`);
});

test('without PyTorch the error has the install command', () => {
  const fake = peer('without.cjs', `console.error("ModuleNotFoundError: No module named 'torch'"); process.exit(1);`);
  const { status, stdout, stderr } = compare('--python', process.execPath, '--peer', fake);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(
    stderr,
    /^error: .* has no PyTorch\.\nInstall it: python3 -m venv \.venv && \.venv\/bin\/pip install torch==2\.13\.0\n/,
  );
  const without = compare('--python', join(folder, 'no-python'));
  assert.equal(without.status, 1);
  assert.match(without.stderr, /^error: .*no-python was not found\. .*\nInstall it: /);
});

test('invalid options are errors without a stack', () => {
  for (const [args, said] of [
    [['--rounds', '0'], /--rounds must be a whole number/],
    [['--device', 'tpu'], /--device must be cpu or gpu/],
    [['--rouns', '1'], /--rouns/],
    [['--source', 'dev.tokens'], /--source requires --decode/],
    [['--peer', join(folder, 'none.py')], /no such file: .*none\.py/],
  ] as const) {
    const { status, stderr } = compare(...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /^ +at /m);
  }
});

test('the ratio is the median over the rounds', () => {
  const reports = (...speeds: number[]) =>
    speeds.map((speed) => ({ system: '', device: 'cpu', target_tokens_per_second: speed, share_of_matmul_rate: 0.5 }));
  const table = comparisonTable([
    { model: 'lstm', dtype: 'float32', ours: reports(200, 90, 1200), theirs: reports(100, 60, 400) },
  ]);
  assert.equal(table.split('\n')[2], '| lstm | float32 | 200 | 100 | 2.00 (1.50 to 3.00) | 50 % | unknown | unknown |');
});

test('speed is in sentences if both programs report sentences', () => {
  const report = { system: '', device: 'cpu', target_tokens_per_second: 1000, sentences_per_second: 50 };
  const table = comparisonTable([
    { model: 'lstm', dtype: 'float32', ours: [{ ...report, sentences_per_second: 75 }], theirs: [report] },
  ]);
  const [header, , row] = table.split('\n');
  assert.match(header!, /s2s, sentences\/s \| PyTorch, sentences\/s/);
  assert.match(row!, /^\| lstm \| float32 \| 75 \| 50 \| 1\.50 /);
});
