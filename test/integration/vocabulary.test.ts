import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { VocabularyReport } from '../../src/text/build.js';
import { runCommand } from '../support/command.js';

const folder = mkdtempSync(join(tmpdir(), 's2s-vocabulary-'));
after(() => rmSync(folder, { recursive: true }));

const GERMAN = [
  'der Hund schläft',
  'ein Hund und eine Katze',
  'die Katze schläft nicht',
  'der alte Mann geht nach Hause',
];
const ENGLISH = ['the dog sleeps', 'a dog and a cat', 'the cat does not sleep', 'the old man goes home'];
const write = (name: string, lines: readonly string[]): void =>
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
write('train.de', GERMAN);
writeFileSync(join(folder, 'train.en.gz'), gzipSync(`${ENGLISH.join('\n')}\n`));
write('dev.de', ['ein Zebra schläft']);
write('dev.en', ['a zebra sleeps']);
write('c.yaml', [
  'runDirectory: run',
  'data:',
  '  train: [{source: train.de, target: train.en.gz}]',
  '  dev: [{source: dev.de, target: dev.en}]',
  'tokenizer: {size: 60}',
]);
const config = ['--config', join(folder, 'c.yaml')];

test('build-vocab writes the tokenizer and prints a report', async () => {
  const { code, stdout, stderr } = await runCommand(['build-vocab', ...config]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    readdirSync(join(folder, 'run'))
      .filter((name) => name.endsWith('.json'))
      .sort(),
    ['tokenizer.json', 'vocabulary.json'],
  );
  assert.match(
    stdout,
    /^shared bpe vocabulary: 60 tokens, \d+ characters, 100 % of the training text covered: .*tokenizer\.json$/m,
  );
  assert.match(stdout, /^train source +4 +/m);
  assert.match(stdout, /^dev target +1 +/m);
  assert.match(stderr, /learning a bpe vocabulary of both sides/);
});

test('build-vocab --json prints one JSON object', async () => {
  const { code, stdout, stderr } = await runCommand([
    'build-vocab',
    ...config,
    '--json',
    '--run-dir',
    join(folder, 'sides'),
    '--set',
    'tokenizer.shared=false',
    '--set',
    'tokenizer.type=word',
  ]);
  assert.equal(code, 0);
  const report = JSON.parse(stdout) as VocabularyReport;
  assert.deepEqual(
    report.tokenizers.map(({ role, size }) => [role, size]),
    [
      ['source', 18],
      ['target', 17],
    ],
  );
  assert.equal(report.dev.source.unknownRate, 1 / 3);
  assert.match(stderr, /warning: 33.33 % of the source tokens of dev are unknown/);
  assert.deepEqual(
    readdirSync(join(folder, 'sides'))
      .filter((name) => name.startsWith('tokenizer'))
      .sort(),
    ['tokenizer.source.json', 'tokenizer.target.json'],
  );
});

test('build-vocab does not replace a tokenizer that it did not write', async () => {
  await runCommand(['build-vocab', ...config, '--run-dir', join(folder, 'foreign')]);
  rmSync(join(folder, 'foreign', 'vocabulary.json'));
  const refused = await runCommand(['build-vocab', ...config, '--run-dir', join(folder, 'foreign')]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /contains a tokenizer that was not learned by s2s/);
  assert.equal((await runCommand(['build-vocab', ...config, '--run-dir', join(folder, 'foreign'), '--force'])).code, 0);
});

test('a tokenizer in tokenizer.directory is replaced only with --force', async () => {
  const named = [
    ...config,
    '--run-dir',
    join(folder, 'other'),
    '--set',
    `tokenizer.directory=${join(folder, 'named')}`,
  ];
  const file = join(folder, 'named', 'tokenizer.json');
  assert.equal((await runCommand(['build-vocab', ...named])).code, 0);
  assert.equal((await runCommand(['build-vocab', ...named])).code, 0, 'the same vocabulary again is harmless');
  const before = readFileSync(file, 'utf8');
  const refused = await runCommand(['build-vocab', ...named, '--set', 'tokenizer.size=40']);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /named\/tokenizer\.json: this tokenizer may be in use by other runs.*\n.*--force/);
  assert.equal(readFileSync(file, 'utf8'), before);
  assert.equal((await runCommand(['build-vocab', ...named, '--set', 'tokenizer.size=40', '--force'])).code, 0);
  assert.notEqual(readFileSync(file, 'utf8'), before);
});

test('tokenize: options take priority over S2S_MODEL, and shared tokenizers are taken from the run', async () => {
  await runCommand(['build-vocab', ...config]);
  await runCommand(['build-vocab', ...config, '--run-dir', join(folder, 'char'), '--set', 'tokenizer.type=char']);
  const env = { S2S_MODEL: join(folder, 'char') };
  const input = 'der Hund\n';
  const [characters, words] = [
    (await runCommand(['tokenize'], { input, env })).stdout,
    (await runCommand(['tokenize', ...config], { input })).stdout,
  ];
  assert.notEqual(characters, words);
  for (const way of [
    config,
    ['--model', join(folder, 'run')],
    ['--tokenizer', join(folder, 'run', 'tokenizer.json')],
  ]) {
    assert.equal((await runCommand(['tokenize', ...way], { input, env })).stdout, words);
  }
  // Files for the other value of `tokenizer.shared`, which must be ignored.
  for (const side of ['source', 'target'])
    writeFileSync(join(folder, 'char', `tokenizer.${side}.json`), readFileSync(join(folder, 'run', 'tokenizer.json')));
  const shared = ['--config', join(folder, 'c.yaml'), '--set', `runDirectory=${join(folder, 'char')}`];
  assert.equal((await runCommand(['tokenize', ...shared], { input })).stdout, characters);
});

test('tokenize warns about ignored features of a tokenizer.json, and about lines that are too long', async () => {
  await runCommand(['build-vocab', ...config]);
  const file = join(folder, 'cutting.json');
  const definition = JSON.parse(readFileSync(join(folder, 'run', 'tokenizer.json'), 'utf8')) as object;
  writeFileSync(
    file,
    JSON.stringify({
      ...definition,
      truncation: { direction: 'Right', max_length: 1, strategy: 'LongestFirst', stride: 0 },
    }),
  );
  const { code, stdout, stderr } = await runCommand(['tokenize', '--tokenizer', file], {
    input: `der Hund\n${'x'.repeat(2 ** 20 + 1)}\nder Hund\n`,
  });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '▁der ▁Hund\n\n▁der ▁Hund\n');
  assert.match(
    stderr,
    /^warning: tokenizer: its `truncation` is switched off.*\nwarning: stdin:2: skipped a line longer than 1048576 .*\n$/,
  );
  write('endless.de', ['x'.repeat(2 ** 20 + 1), ...GERMAN.slice(1)]);
  write('endless.dev.de', ['x'.repeat(2 ** 20 + 1)]);
  const build = (split: string, name: string) =>
    runCommand([
      'build-vocab',
      ...config,
      '--run-dir',
      join(folder, 'endless'),
      '--set',
      `data.${split}.0.source=${join(folder, name)}`,
    ]);
  const train = await build('train', 'endless.de');
  assert.equal(train.code, 0, train.stderr);
  assert.doesNotMatch(readFileSync(join(folder, 'endless', 'tokenizer.json'), 'utf8'), /xx/);
  const dev = await build('dev', 'endless.dev.de');
  assert.equal(dev.code, 1);
  assert.match(dev.stderr, /endless\.dev\.de:1: the line is longer than 1048576 bytes/);
});

test('--detokenize inverts tokenize, for stdin and files, with a model, configuration or tokenizer file', async () => {
  await runCommand(['build-vocab', ...config]);
  const text = 'der Hund\n\n  zwei  Räume ▁ <s>漢\r\nlast without LF';
  const ways = [['--model', join(folder, 'run')], config, ['--tokenizer', join(folder, 'run', 'tokenizer.json')]];
  for (const way of ways) {
    const tokens = await runCommand(['tokenize', ...way], { input: text });
    assert.equal(tokens.code, 0, tokens.stderr);
    assert.match(tokens.stdout, /^▁der ▁Hund\n\n▁ ▁/);
    assert.equal(
      (await runCommand(['tokenize', '--detokenize', ...way], { input: tokens.stdout })).stdout,
      `${text}\n`,
    );
  }
  const files = await runCommand(['tokenize', ...config, join(folder, 'dev.de'), '-', join(folder, 'train.en.gz')], {
    input: 'ein\n',
  });
  assert.equal(files.stdout.split('\n').length, 1 + 1 + 4 + 1);
});

test('tokenize --ids prints ids, and --detokenize reads them', async () => {
  await runCommand(['build-vocab', ...config]);
  const ids = await runCommand(['tokenize', '--ids', ...config], { input: 'der Hund\n', env: {} });
  assert.match(ids.stdout, /^\d+( \d+)*\n$/);
  assert.equal(
    (await runCommand(['tokenize', '--ids', '--detokenize', ...config], { input: ids.stdout })).stdout,
    'der Hund\n',
  );
});

test('tokenize names lines that are not valid UTF-8, and reports a missing tokenizer', async () => {
  const invalid = await runCommand(['tokenize', ...config], { input: Buffer.from([0x61, 0x0a, 0xff, 0x0a]) });
  assert.equal(invalid.code, 0);
  assert.match(invalid.stderr, /stdin:2: the line is not valid UTF-8/);
  const nowhere = join(folder, 'nowhere');
  mkdirSync(nowhere);
  const unnamed = await runCommand(['tokenize'], { cwd: nowhere });
  assert.equal(unnamed.code, 2);
  assert.match(unnamed.stderr, /No tokenizer was given/);
  const missing = await runCommand(['tokenize', '--model', nowhere]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /nowhere\/tokenizer\.json: cannot read the tokenizer file/);
});

test('build-vocab reads the corpora from pipes; train refuses them with exit code 2, and archives with 1', async () => {
  const text = { source: join(folder, 'p.de'), target: join(folder, 'p.en') };
  execFileSync('mkfifo', Object.values(text));
  const piped = [
    ...config,
    ...Object.entries(text).flatMap(([side, file]) => ['--set', `data.train.0.${side}=${file}`]),
  ];
  const refused = await runCommand(['train', ...piped, '--run-dir', join(folder, 'refused')]);
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, /data\.train\[0\]\.source is a pipe, and training reads its text more than once/);

  const writers = [writeFile(text.source, `${GERMAN.join('\n')}\n`), writeFile(text.target, `${ENGLISH.join('\n')}\n`)];
  const built = await runCommand(['build-vocab', ...piped, '--run-dir', join(folder, 'piped')]);
  assert.equal(built.code, 0, built.stderr);
  await Promise.all(writers);

  writeFileSync(join(folder, 'train.zip'), Buffer.from('504b030414000000', 'hex'));
  for (const command of ['train', 'build-vocab']) {
    const zip = ['--set', `data.train.0.source=${join(folder, 'train.zip')}`];
    const archive = await runCommand([command, ...config, ...zip, '--run-dir', join(folder, 'zip')]);
    assert.equal(archive.code, 1, archive.stderr);
    assert.match(archive.stderr, /train\.zip: is a zip archive\nUnpack it first/);
  }
  assert.deepEqual(
    readdirSync(folder).filter((name) => name === 'refused'),
    [],
  );
});
