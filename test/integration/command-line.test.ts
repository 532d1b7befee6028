import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { runCommand } from '../support/command.js';

const folder = mkdtempSync(join(tmpdir(), 's2s-command-line-'));
after(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
for (const name of ['train.a', 'train.b', 'dev.a', 'dev.b']) write(name, 'ein Hund\n  zwei  Katzen\n');
const DATA =
  'runDirectory: run\ndata:\n  train: [{ source: train.a, target: train.b }]\n' +
  '  dev: [{ source: dev.a, target: dev.b }]\n';
const good = write('good.yaml', `${DATA}tokenizer: { type: char, size: 50 }\n`);
const bad = write('bad.yaml', `${DATA}sede: 1\ntraining:\n  maxSteps: 0\n`);

const COMMANDS = ['tokenize', 'build-vocab', 'train', 'eval', 'translate', 'config', 'setup', 'bench', 'doctor'];
const STACK = /^ +at .*:\d+:\d+/m;

/** Asserts that a command fails with exit code 2 and a message on stderr, without a stack trace. */
async function assertUsageError(
  args: readonly string[],
  message: RegExp,
  options: Parameters<typeof runCommand>[1] = {},
): Promise<void> {
  const { code, stdout, stderr } = await runCommand(args, options);
  assert.match(stderr, message, args.join(' '));
  assert.equal(code, 2, args.join(' '));
  assert.equal(stdout, '');
  assert.doesNotMatch(stderr, STACK);
}

test('help and usage errors take less than 0.3 s', async () => {
  const fastest = async (run: () => Promise<unknown>): Promise<number> => {
    const seconds: number[] = [];
    for (let turn = 0; turn < 4; turn++) {
      const start = performance.now();
      await run();
      seconds.push((performance.now() - start) / 1000);
    }
    return Math.min(...seconds);
  };
  // On a slow or busy machine, the limit grows with the startup time of Node.
  const node = await fastest(() => promisify(execFile)(process.execPath, ['-e', '0']));
  const limit = 0.3 * Math.max(1, node / 0.045);
  for (const args of [['--help'], ['train', '--help'], ['train', '--config', bad], ['translate', '--modle', 'x']]) {
    const seconds = await fastest(() => runCommand(args));
    assert.ok(seconds < limit, `s2s ${args.join(' ')}: ${seconds.toFixed(2)} s, node alone ${node.toFixed(2)} s`);
  }
});

test('an unknown command is rejected with the nearest command', async () => {
  await assertUsageError(
    ['trian'],
    /^error: Unknown command trian\.\nDid you mean train\? Commands: init, tokenize, .*doctor\. /,
  );
  await assertUsageError(['--seed', '1', 'trian'], /^error: Unknown command trian\.\n/);
  await assertUsageError(['xylophone'], /^error: Unknown command xylophone\.\nCommands: /);
  await assertUsageError([], /^error: Name a command/);
});

test('--set requires --config', async () => {
  await assertUsageError(
    ['doctor', '--set', 'device=gpu'],
    /^error: --set requires --config\.\nName a configuration with --config/,
  );
  await assertUsageError(
    ['tokenize', '--tokenizer', 'tokenizer.json', '--set', 'seed=2'],
    /^error: --set requires --config\./,
  );
  for (const args of [
    ['--config', good],
    ['--set', 'seed=2'],
  ]) {
    await assertUsageError(
      ['eval', '--hypotheses', 'a', '--references', 'b', ...args],
      /^error: --hypotheses scores a file without a model: it cannot be combined with --(config|set)\./,
    );
  }
  await assertUsageError(['tokenize', '--model', 'run', '--config', good], /--model and --config cannot be combined/);
  const { code, stdout } = await runCommand(['doctor', '--config', good, '--set', 'device=gpu:77']);
  assert.equal(code, 1);
  assert.match(stdout, /broken: cannot use --device gpu:77: /);
});

test('only commands that read data require variables in data to be set', async () => {
  const file = write(
    'variables.yaml',
    "runDirectory: nowhere\ndata:\n  train: [{ file: '${S2S_NO_SUCH}/a.tsv' }]\n" +
      "  dev: [{ file: '${S2S_NO_SUCH}/b.tsv' }]\n",
  );
  const unset = /variables\.yaml:3: data\.train\[0\]\.file: the environment variable S2S_NO_SUCH is not set\./;
  for (const command of ['train', 'build-vocab', 'config']) await assertUsageError([command, '--config', file], unset);
  await assertUsageError(['eval', '--config', file, '--split', 'dev'], unset);
  const others: [args: string[], message: RegExp][] = [
    [['translate'], /nowhere/],
    [['tokenize'], /nowhere/],
    [['eval', '--source', 'no-such.de', '--references', 'no-such.en'], /no-such\.de: there is no such file/],
  ];
  for (const [args, message] of others) {
    const { code, stderr } = await runCommand([...args, '--config', file]);
    assert.notEqual(code, 0);
    assert.match(stderr, message);
  }
});

test('an unknown option is rejected with the nearest option, in every command', async () => {
  for (const command of COMMANDS)
    await assertUsageError(
      [command, '--conifg', good],
      new RegExp(`^error: Unknown option --conifg\\.\nDid you mean --config\\? s2s ${command} --help`),
    );
  await assertUsageError(
    ['--seed', '1', 'train', '--max-stpes', '3', '--foo'],
    /^error: Unknown option --max-stpes, --foo\.\nDid you mean --max-steps\?/,
  );
  await assertUsageError(['config', '-z'], /^error: Unknown option -z\.\n/);
});

test('unexpected arguments, missing and invalid values are rejected', async () => {
  await assertUsageError(['train', 'now'], /^error: Unexpected argument now\.\n/);
  await assertUsageError(['config', '--config'], /^error: Option --config requires a value\./);
  await assertUsageError(
    ['config', '--log-level', 'loud'],
    /^error: Invalid value\. Option --log-level is "loud", but must be one of "error", "warn"/,
  );
  await assertUsageError(['setup', '--cpu', '--cuda'], /--cuda and --cpu cannot be combined/);
  await assertUsageError(
    ['train', '--config', good, '--max-steps', 'all'],
    /^error: command line: training\.maxSteps: must be a number, but is NaN\./,
  );
});

test('messages do not depend on the language of the environment', async () => {
  await assertUsageError(['train', '--foo'], /^error: Unknown option --foo\./, {
    env: { LC_ALL: 'de_DE.UTF-8', LANGUAGE: 'de', LANG: 'de_DE.UTF-8' },
  });
});

test('--help of every command is on stdout, with an example of the command', async () => {
  const { code, stdout, stderr } = await runCommand(['--help']);
  assert.deepEqual([code, stderr], [0, '']);
  for (const command of COMMANDS) assert.match(stdout, new RegExp(`^ +s2s ${command} .*\\S`, 'm'));
  for (const command of COMMANDS) {
    const help = await runCommand([command, '--help']);
    assert.deepEqual([help.code, help.stderr], [0, ''], command);
    assert.match(help.stdout, new RegExp(`Examples:\n(?:.*\n)*.*s2s ${command}`));
    for (const option of ['--config', '--set', '--seed', '--log-level', '--debug'])
      assert.ok(help.stdout.includes(option), `${command} ${option}`);
    assert.equal((await runCommand([command, '-h'])).stdout, help.stdout);
  }
});

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  assert.deepEqual(await runCommand(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
});

test('all problems of a configuration are reported by every command that reads one', async () => {
  const message = new RegExp(
    `^error: ${bad}:5: sede: is not a setting\\. Did you mean seed\\?\n` +
      `${bad}:7: training\\.maxSteps: must be at least 1, but is 0\\.\n$`,
  );
  for (const command of ['tokenize', 'build-vocab', 'train', 'translate', 'config'])
    await assertUsageError([command, '--config', bad], message);
  await assertUsageError(['config', '--config', bad, '--print'], message);
  await assertUsageError(['train'], /^error: No configuration was given\.\nName one: --config FILE/);
  await assertUsageError(
    ['train', '--config', join(folder, 'no.yaml')],
    /no\.yaml: there is no such configuration file/,
  );
  await assertUsageError(['train', '--config', folder], /: is a directory: name the configuration file in it\n/);
});

test('--debug also shows the stack trace', async () => {
  const { code, stdout, stderr } = await runCommand(['config', '--config', bad, '--debug']);
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^error: .*bad\.yaml:5: sede/);
  assert.match(stderr, STACK);
});

test('config --print includes --set and options, and loads to the same configuration', async () => {
  const first = await runCommand([
    'config',
    '--config',
    good,
    '--print',
    '--set',
    'decoding.beamSize=2',
    '--set',
    'seed=3',
    '--seed',
    '4',
  ]);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^seed: 4$/m);
  assert.match(first.stdout, /^ {2}beamSize: 2$/m);
  const second = await runCommand(['config', '--config', write('printed.yaml', first.stdout), '--print'], {
    cwd: tmpdir(),
  });
  assert.deepEqual(second, first);
  assert.deepEqual(await runCommand(['config', '--config', good]), {
    code: 0,
    stdout: '',
    stderr: `${good}: valid configuration\n`,
  });
});

test('the last value of a repeated option or setting takes effect', async () => {
  const { stdout } = await runCommand([
    'config',
    '-c',
    bad,
    '--config',
    good,
    '--print',
    '--seed',
    '1',
    '--seed',
    '2',
    '--set',
    'decoding.beamSize=2',
    '--set',
    'decoding.beamSize=3',
    '--debug',
    '--debug',
  ]);
  assert.match(stdout, /^seed: 2$/m);
  assert.match(stdout, /^ {2}beamSize: 3$/m);
  await assertUsageError(
    ['train', '--config', good, '--run-dir', 'a', '--run-dir', 'b', '--max-steps', '5', '--max-steps', '0'],
    /training\.maxSteps: must be at least 1, but is 0/,
  );
});

test('config --schema is JSON', async () => {
  const { code, stdout, stderr } = await runCommand(['config', '--schema']);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal((JSON.parse(stdout) as { title: string }).title, 's2s configuration');
});

test('a closed pipe ends a command quietly', async () => {
  // Longer than the buffer of a pipe, so that a write fails.
  const text = write('long.txt', 'ein Hund zwei Katzen\n'.repeat(100_000));
  await runCommand(['build-vocab', '--config', good]);
  const child = spawn(process.execPath, [resolve('bin/s2s.js'), 'tokenize', '--config', good, text], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part));
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise((done) => child.on('close', done));
  assert.equal(stderr, '');
  assert.equal(code, 0);
});

test('--help, --version and usage errors do not load TensorFlow', () => {
  const main = pathToFileURL(resolve('dist/src/cli/main.js')).href;
  const script = `
    import { createRequire } from 'node:module';
    const { main } = await import(${JSON.stringify(main)});
    const codes = [];
    for (const args of JSON.parse(process.argv[1])) codes.push(await main(args));
    const loaded = Object.keys(createRequire(${JSON.stringify(main)}).cache);
    process.stdout.write('\\0' + JSON.stringify({ codes, loaded }));`;
  const runs: [code: number, args: string[]][] = [
    [0, ['--version']],
    ...COMMANDS.map((command): [number, string[]] => [0, [command, '--help']]),
    [0, ['config', '--config', good, '--print']],
    [0, ['config', '--schema']],
    ...['train', 'build-vocab', 'translate', 'config'].map((command): [number, string[]] => [
      2,
      [command, '--config', bad],
    ]),
    [2, ['trian']],
    [2, ['train', '--foo']],
  ];
  const output = execFileSync(
    process.execPath,
    ['--input-type=module', '-e', script, JSON.stringify(runs.map(([, args]) => args))],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const { codes, loaded } = JSON.parse(output.slice(output.indexOf('\0') + 1)) as { codes: number[]; loaded: string[] };
  assert.deepEqual(
    codes,
    runs.map(([code]) => code),
  );
  // The list of loaded modules is not empty.
  assert.ok(loaded.some((file) => file.includes('node_modules/yaml/')));
  assert.deepEqual(
    loaded.filter((file) => /@tensorflow|node_modules\/(tokenizers|@huggingface)|\.node$/.test(file)),
    [],
  );
});

test('tokenize into tokenize --detokenize is the identity', async () => {
  await runCommand(['build-vocab', '--config', good]);
  const text = 'Hund und Katze\n\n zwei  Hunde \nÄpfel ▁ 漢\n';
  const tokens = await runCommand(['tokenize', '--config', good], { input: text });
  assert.equal(tokens.code, 0, tokens.stderr);
  assert.notEqual(tokens.stdout, text);
  assert.equal(
    (await runCommand(['tokenize', '--config', good, '--detokenize'], { input: tokens.stdout })).stdout,
    text,
  );
});

test('translate and tokenize without a model report how to give one', async () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  await assertUsageError(['translate'], /^error: No model was given.*\n.*--model DIR.*s2s train/, {
    cwd: empty,
    input: 'ein Hund\n',
  });
  await assertUsageError(['tokenize'], /^error: No tokenizer was given\.\n.*--tokenizer.*--model.*--config/, {
    cwd: empty,
  });
  await assertUsageError(['translate', '--model', empty], /empty: is not a run directory/, { cwd: empty });
});
