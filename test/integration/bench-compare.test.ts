import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { comparisonTable, remarks, sameLines, type Job, type Report } from '../../bench/table.mjs';

const folder = mkdtempSync(join(tmpdir(), 's2s-compare-'));
after(() => rmSync(folder, { recursive: true }));

/** Writes a fake peer in JavaScript, which runs with --python set to Node or as a program. */
function peer(name: string, code: string): string {
  const path = join(folder, name);
  writeFileSync(path, code);
  return path;
}

function compare(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['bench/compare.mjs', ...args], { encoding: 'utf8' });
}

const tiny = ['--rounds', '1', '--models', 'lstm', '--decode', '--steps', '1', '--warmup', '0'];

test('both programs get the same options, and the table has their speeds', () => {
  // The peer has a speed of 100, so the ratio with two decimals has the digits of the rounded speed of s2s.
  const fake = peer(
    'fake.cjs',
    `
    if (process.argv.includes('--help')) process.exit(0);
    const { stringify } = JSON;
    const system = process.argv.slice(2).join(' ');
    console.log(stringify({ system, target_tokens_per_second: 100, parameters: 7, note: 'built for AVX' }));`,
  );
  const { status, stdout, stderr } = compare('--python', process.execPath, '--peers', fake, ...tiny);
  assert.equal(status, 0, stderr);
  const [head, , header, , row, , parameters, note] = stdout.split('\n');
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
    'fake, target tokens/s',
    's2s / fake (range)',
    'peak memory, s2s',
  ]);
  const cells = row!.split(' | ');
  assert.deepEqual(cells.slice(0, 2), ['| lstm', 'float32']);
  assert.equal(cells[3], '100');
  const ratio = (Number(cells[2]!.replaceAll(',', '')) / 100).toFixed(2);
  assert.equal(cells[4], `${ratio} (${ratio} to ${ratio})`);
  assert.equal(parameters, '- parameters of lstm: s2s 11,611,968, fake 7');
  assert.equal(note, '- fake: built for AVX');
});

test('each peer has its Python, and one that refuses the work is left out', () => {
  const refusing = peer(
    'refusing.cjs',
    `
    if (process.argv.includes('--help')) process.exit(0);
    console.error('usage: refusing\\nrefusing: error: no decoding');
    process.exit(2);`,
  );
  const quick = peer(
    'quick.cjs',
    `
    if (process.argv.includes('--help')) process.exit(0);
    console.log(JSON.stringify({ system: 'quick 1', sentences_per_second: 9, target_tokens_per_second: 100 }));`,
  );
  const { status, stdout, stderr } = compare(
    ...['--peers', `${refusing},${quick}`],
    ...['--python', join(folder, 'none'), '--python', `${refusing}=${process.execPath}`],
    ...['--python', `${quick}=${process.execPath}`, '--beam-size', '2', ...tiny],
  );
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^refusing is left out for lstm, float32: refusing: error: no decoding$/m);
  assert.match(stderr, /^round 1 of 1: lstm float32: s2s \d+, refusing refused, quick 100 target tokens\/s$/m);
  const [head, , header] = stdout.split('\n');
  assert.match(head!, /^s2s \S+, TensorFlow \S+ and quick 1, device cpu, decoding with beam 2, 1 round$/);
  assert.match(header!, /^\| model \| dtype \| s2s, sentences\/s \| quick, sentences\/s \| s2s \/ quick \(range\) \|/);
});

test('without its packages the error has the command that installs a peer', () => {
  // Node in the place of Python fails in its own way, so this program says what Python would say.
  const python = peer(
    'python',
    `#!${process.execPath}\nconsole.error("ModuleNotFoundError: No module named 'x'"); process.exit(1);`,
  );
  chmodSync(python, 0o755);
  for (const [name, title, command] of [
    ['pytorch', 'PyTorch', 'python3 -m venv .venv && .venv/bin/pip install torch==2.13.0'],
    [
      'ctranslate2',
      'CTranslate2',
      'python3 -m venv .venv-ctranslate2 && .venv-ctranslate2/bin/pip install ctranslate2==4.8.0 numpy pyyaml',
    ],
  ]) {
    const { status, stdout, stderr } = compare('--python', python, '--peers', name!);
    assert.deepEqual([status, stdout], [1, '']);
    assert.equal(
      stderr,
      `error: ${python} has no ${title}.\nInstall it: ${command}\nOr choose another Python: --python PATH\n`,
    );
  }
  const without = compare('--python', join(folder, 'no-python'));
  assert.equal(without.status, 1);
  assert.match(without.stderr, /^error: .*no-python was not found, which should run PyTorch\.\nInstall it: /);
});

test('invalid options are errors without a stack', () => {
  for (const [args, said] of [
    [['--rounds', '0'], /--rounds must be a whole number/],
    [['--device', 'tpu'], /--device must be cpu or gpu/],
    [['--rouns', '1'], /--rouns/],
    [['--source', 'dev.tokens'], /--source requires --decode/],
    [['--beam-size', '2'], /--beam-size requires --decode/],
    [
      ['--peers', join(folder, 'none.py')],
      /no such file: .*none\.py\nThe known peers are pytorch, ctranslate2, pymarian/,
    ],
  ] as const) {
    const { status, stderr } = compare(...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /^ +at /m);
  }
});

/** A job with reports of the given speeds by program. */
function job(speeds: Record<string, number[]>, report: object = {}): Job {
  const reports = Object.entries(speeds).map(([name, values]): [string, Report[]] => [
    name,
    values.map((speed) => ({ system: '', device: 'cpu', target_tokens_per_second: speed, ...report })),
  ]);
  return { model: 'lstm', dtype: 'float32', reports: new Map(reports), refused: new Set(), hypotheses: new Map() };
}

test('the ratio is the median over the rounds, and a program without reports has empty cells', () => {
  const jobs = [
    job({ s2s: [200, 90, 1200], a: [100, 60, 400] }, { share_of_matmul_rate: 0.5 }),
    job({ s2s: [3], b: [2] }),
  ];
  const [header, , ...rows] = comparisonTable(jobs, ['s2s', 'a', 'b']).split('\n');
  assert.deepEqual(header!.slice(2, -2).split(' | ').slice(5), [
    's2s / a (range)',
    's2s / b (range)',
    's2s, share of the matmul rate',
    'peak memory, s2s',
    'peak memory, a',
    'peak memory, b',
  ]);
  assert.equal(rows[0], '| lstm | float32 | 200 | 100 |  | 2.00 (1.50 to 3.00) |  | 50 % | unknown | unknown |  |');
  assert.equal(rows[1], '| lstm | float32 | 3 |  | 2 |  | 1.50 (1.50 to 1.50) | unknown | unknown |  | unknown |');
});

test('speed is in sentences if all programs report sentences', () => {
  const jobs = [job({ s2s: [1000], a: [1000] }, { sentences_per_second: 50 })];
  const [header, , row] = comparisonTable(jobs, ['s2s', 'a']).split('\n');
  assert.match(header!, /s2s, sentences\/s \| a, sentences\/s/);
  assert.match(row!, /^\| lstm \| float32 \| 50 \| 50 \| 1\.00 /);
});

test('scores and hypotheses of a trained model are compared', () => {
  const trained = job({ s2s: [1], a: [1] }, { mean_log_probability: -12.34567 });
  trained.hypotheses.set('s2s', 'x y\nz\n\nw\n').set('a', 'x y\nz z\n\nw\n');
  assert.deepEqual(remarks([trained], ['s2s', 'a']), [
    'mean log-probability of the hypotheses of lstm, float32: s2s -12.3457, a -12.3457; hypotheses equal to those of ' +
      's2s: a 75.0 %',
  ]);
  assert.equal(sameLines('a\nb\n', 'a\n'), 0);
});
