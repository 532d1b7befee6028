import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { writeLastRun } from '../../src/checkpoint/last-run.js';
import { readResolvedConfig, saveResolvedConfig } from '../../src/config/save.js';
import { loadTensorFlow } from '../../src/runtime/tensorflow.js';
import { runCommand } from '../support/command.js';
import { makeTinyRun } from '../support/tiny-run.js';

const folder = mkdtempSync(join(tmpdir(), 's2s-eval-model-'));
after(() => rmSync(folder, { recursive: true }));
const run = join(folder, 'run');
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
const write = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const readLines = (file: string): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);

// Blank lines, a pair with a large length ratio and unknown characters, which training would drop.
const SOURCES = ['the dog', '', 'a quick fox', 'over the lazy brown dog', 'o', 'Äpfel 7', 'fox'];
const TARGETS = ['dog the', 'blank', 'fox', '', `${'the lazy dog jumps over '.repeat(8)}it`, 'apples', 'xof'];
const DEV = { sources: ['fox', 'dog', 'brown'], targets: ['dog', 'fox', 'quick'] };

before(async () => {
  await loadTensorFlow({ device: 'cpu' });
  await makeTinyRun(run);
  write('test.a', text(SOURCES));
  write('test.b', text(TARGETS));
  write('dev.tsv.gz', gzipSync(text(DEV.sources.map((source, index) => `${source}\t${DEV.targets[index]}`))));
  const config = readResolvedConfig(run);
  const data = {
    ...config.data,
    dev: [{ file: join(folder, 'dev.tsv.gz'), weight: 1 }],
    test: [{ source: join(folder, 'test.a'), target: join(folder, 'test.b'), weight: 1 }],
    maxTargetLength: 5,
  };
  saveResolvedConfig({ ...config, data, device: 'cpu' }, run);
});

interface Scores {
  readonly bleu: { readonly score: number; readonly signature: string };
  readonly chrf: { readonly score: number; readonly signature: string };
  readonly ter: { readonly score: number; readonly signature: string };
  readonly perplexity: number;
  readonly accuracy: number;
  readonly sentences: number;
  readonly targetTokens: number;
}

async function evaluate(args: readonly string[], options: Parameters<typeof runCommand>[1] = {}): Promise<Scores> {
  const { code, stdout, stderr } = await runCommand(['eval', '--json', ...args], options);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trimEnd().split('\n').length, 1);
  return JSON.parse(stdout) as Scores;
}

test('a model is scored on every pair of test, with the same scores as for its translations in a file', async () => {
  const output = join(folder, 'output');
  const scores = await evaluate(['--model', run, '--output', output]);
  assert.equal(scores.sentences, SOURCES.length);
  const translated = await runCommand(['translate', '--model', run], { input: text(SOURCES) });
  assert.deepEqual(readLines(output), translated.stdout.split('\n').slice(0, -1));
  const { bleu, chrf, ter } = await evaluate(['--hypotheses', output, '--references', join(folder, 'test.b')]);
  assert.deepEqual([scores.bleu, scores.chrf, scores.ter], [bleu, chrf, ter]);
  assert.match(scores.bleu.signature, /^nrefs:1\|case:mixed\|eff:no\|tok:13a\|smooth:exp\|version:s2s-/);

  const { code, stdout, stderr } = await runCommand(['eval', '--model', run]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^model: .*run, step 10\ntranslating 7 lines of test, beam size 3\n/);
  assert.match(
    stdout,
    new RegExp(
      `^BLEU .*\\n.*\\nchrF2 .*\\nTER .*\\nperplexity +${scores.perplexity.toFixed(4)}\\n` +
        `accuracy +${scores.accuracy.toFixed(4)}\\nsentences +7\\ntargetTokens +${scores.targetTokens}\\n$`,
    ),
  );
});

test('a model trained on a GPU runs without one; a directory as --output is rejected first', async () => {
  const config = readResolvedConfig(run);
  saveResolvedConfig({ ...config, device: 'gpu' }, run);
  const { code, stderr } = await runCommand(['eval', '--model', run, '--output', folder]);
  const translated = await runCommand(['translate', '--model', run], { input: 'a\n' });
  saveResolvedConfig(config, run);
  assert.equal(code, 1);
  assert.match(stderr, /the translations cannot be written there: it is a directory/);
  assert.equal(translated.code, 0, translated.stderr);
});

test('translations are not written to an input file', async () => {
  const [source, reference] = [join(folder, 'test.a'), join(folder, 'test.b')];
  const before = readFileSync(reference, 'utf8');
  for (const args of [
    ['--source', source, '--references', reference],
    ['--split', 'test'],
  ]) {
    const { code, stderr } = await runCommand(['eval', '--model', run, ...args, '--output', reference]);
    assert.equal(code, 1);
    assert.match(stderr, /test\.b: the translations cannot be written there: it is an input of this command/);
    assert.equal(readFileSync(reference, 'utf8'), before);
  }
});

test('--score prints one log-probability per pair, whose sum agrees with the perplexity', async () => {
  const { perplexity, targetTokens } = await evaluate([
    '--model',
    run,
    '--metrics',
    'bleu',
    '--beam-size',
    '1',
    '--set',
    'precision=float32',
  ]);
  const { code, stdout, stderr } = await runCommand(['eval', '--score', '--model', run]);
  assert.equal(code, 0, stderr);
  const numbers = stdout.split('\n').slice(0, -1).map(Number);
  assert.equal(numbers.length, SOURCES.length);
  const sum = numbers.reduce((total, value) => total + value, 0);
  assert.ok(
    Math.abs(sum + targetTokens * Math.log(perplexity)) < 1e-3,
    `${sum} against ${targetTokens} tokens of perplexity ${perplexity}`,
  );
  const one = ['--source', write('one.a', 'the dog\n'), '--references', '-'];
  const scored = await runCommand(['eval', '--score', '--model', run, ...one], { input: 'dog the' });
  assert.ok(Math.abs(Number(scored.stdout) - numbers[0]!) < 1e-4, `${scored.stdout} alone, ${numbers[0]} among others`);
});

test('files are evaluated instead of a split, with several references', async () => {
  const { targetTokens, perplexity, sentences } = await evaluate(['--model', run]);
  const files = ['--model', run, '--source', join(folder, 'test.a'), '--references', join(folder, 'test.b')];
  const same = await evaluate(files);
  assert.deepEqual([same.targetTokens, same.perplexity, same.sentences], [targetTokens, perplexity, sentences]);
  const two = await evaluate([...files, '-'], { input: text([...TARGETS].reverse()) });
  assert.equal(two.perplexity, perplexity);
  assert.match(two.bleu.signature, /^nrefs:2\|/);
  const piped = await evaluate(['--model', run, '--source', '-', '--references', join(folder, 'test.b')], {
    input: text(SOURCES).replaceAll('\n', '\r\n'),
  });
  assert.deepEqual(piped, same);
});

test('the split, the checkpoint and the model are found as in translate', async () => {
  const here = join(folder, 'here');
  mkdirSync(here);
  const dev = await evaluate(['--model', run, '--split', 'dev', '--checkpoint', 'last']);
  assert.equal(dev.sentences, DEV.sources.length);
  assert.equal((await runCommand(['eval'], { cwd: here })).code, 2);
  assert.deepEqual(await evaluate(['--split', 'dev'], { cwd: here, env: { S2S_MODEL: run } }), dev);
  assert.deepEqual(await evaluate(['--split', 'dev', '--config', join(run, 'config.yaml')], { cwd: here }), dev);
  await writeLastRun(run, here);
  assert.deepEqual(await evaluate(['--checkpoint', '10', '--set', 'data.test=[]'], { cwd: here }), dev);
});

test('translations are scored from a pipe', async () => {
  const bin = `${process.execPath} ${resolve('bin/s2s.js')}`;
  const line = `cat test.a | ${bin} translate --model run | ${bin} eval --json --hypotheses - --references test.b`;
  const { stdout } = await promisify(execFile)('sh', ['-c', line], {
    cwd: folder,
    env: { ...process.env, S2S_MODEL: undefined },
  });
  const { bleu, sentences } = JSON.parse(stdout) as Scores;
  assert.equal(sentences, SOURCES.length);
  assert.deepEqual(bleu, (await evaluate(['--model', run])).bleu);
});

test('errors are reported before the model is loaded', async () => {
  const [a, b] = [join(folder, 'test.a'), join(folder, 'test.b')];
  const cases: [string[], number, RegExp][] = [
    [
      ['--model', run, '--split', 'test', '--set', 'data.test=[]'],
      2,
      /the configuration has no test corpora\nAdd them to data\.test/,
    ],
    [['--model', run, '--split', 'train'], 2, /dev.*test/],
    [['--model', run, '--checkpoint', 'newest'], 2, /--checkpoint must be best, last/],
    [['--model', join(folder, 'nowhere')], 2, /nowhere: is not a run directory/],
    [
      ['--hypotheses', a, '--references', b, '--split', 'test'],
      2,
      /--hypotheses scores a file without a model: it cannot be combined with --split\.\nOne of:/,
    ],
    [['--hypotheses', a, '--references', b, '--beam-size', '2'], 2, /cannot be combined with --beam-size/],
    [['--hypotheses', a, '--references', b, '--score'], 2, /cannot be combined with --score/],
    [
      ['--model', run, '--source', a, '--references', b, '--split', 'dev'],
      2,
      /--source replaces the split: it cannot be combined with --split/,
    ],
    [['--model', run, '--source', a], 2, /--source requires --references/],
    [['--model', run, '--references', b], 2, /--references requires --hypotheses or --source/],
    [['--model', run, '--split', 'dev', '--references', b], 2, /--split dev includes its references/],
    [['--model', run, '-'], 2, /Unexpected argument -\./],
    [['--model', run, '--score', '--json'], 2, /--score prints plain numbers: it cannot be combined with --json/],
    [
      ['--model', run, '--score', '--output', 'x'],
      2,
      /--score does not translate: it cannot be combined with --output/,
    ],
    [['--model', run, '--score', '--source', a, '--references', b, b], 2, /one reference file, but 2 were given/],
    [
      ['--model', run, '--source', a, '--references', join(folder, 'output.none')],
      1,
      /output\.none: there is no such file/,
    ],
    [
      ['--model', run, '--source', a, '--references', write('short', 'fox\n')],
      1,
      /test\.a: has 7 lines, but .*short has 1 line\n/,
    ],
    [
      ['--model', run, '--output', join(folder, 'nowhere', 'out')],
      1,
      /nowhere\/out: the translations cannot be written there/,
    ],
    [
      ['--model', run, '--split', 'dev', '--set', `data.dev=[{source: ${join(folder, 'gone')}, target: ${b}}]`],
      1,
      /gone: there is no such file/,
    ],
  ];
  for (const [args, exitCode, message] of cases) {
    const { code, stdout, stderr } = await runCommand(['eval', ...args]);
    assert.match(stderr, message);
    assert.equal(code, exitCode, stderr);
    assert.equal(stdout, '');
  }
});

test('scores are printed even if the translations cannot be written', { skip: !existsSync('/dev/full') }, async () => {
  const { code, stdout, stderr } = await runCommand(['eval', '--model', run, '--output', '/dev/full']);
  assert.equal(code, 1);
  assert.match(stdout, /^BLEU /);
  assert.match(
    stderr,
    /\nerror: \/dev\/full: no space is left on the device; the translations there are not complete\nFree some space/,
  );
});

test('invalid bytes in files to score are read as U+FFFD with a warning', async () => {
  const file = join(folder, 'invalid');
  writeFileSync(file, Buffer.from('gut\nd\xfcnn\n', 'latin1'));
  const { code, stdout, stderr } = await runCommand(['eval', '--hypotheses', file, '--references', file]);
  assert.deepEqual([code, stdout.includes('100.00')], [0, true]);
  assert.match(stderr, /invalid:2: the line is not valid UTF-8: each invalid byte is read as U\+FFFD/);
});
