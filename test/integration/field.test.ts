import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadTensorFlow } from '../../src/runtime/tensorflow.js';
import { runCommand, type CommandResult } from '../support/command.js';
import { makeTinyRun } from '../support/tiny-run.js';

// Small inputs from reports of users of translation trainers, one folder per case, next to the project.
const CASES = resolve('../shared/field');
const BIN = resolve('bin/s2s.js');
const skip = existsSync(CASES) ? false : 'there is no ../shared/field';

describe('cases from the field', { skip }, () => {
  const root = mkdtempSync(join(tmpdir(), 's2s-field-'));
  const tinyRun = join(root, 'tiny run');
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
    await makeTinyRun(tinyRun);
  });
  after(() => rmSync(root, { recursive: true }));

  /** A writable copy of the folder of a case, and commands that run in it. */
  function open(name: string) {
    const folder = join(root, name);
    cpSync(join(CASES, name), folder, { recursive: true });
    return {
      folder,
      read: (file: string) => readFileSync(join(folder, file), 'utf8'),
      path: (file: string) => join(folder, file),
      run: (args: string[], input?: string) =>
        runCommand(args, { cwd: folder, ...(input === undefined ? {} : { input }) }),
    };
  }

  const TRANSLATE = ['translate', '--model', tinyRun];

  test('a junk line makes no giant subword and is dropped as too long', async () => {
    const { run, path, read } = open('bpe-giant-token');
    writeFileSync(path('train.en'), `${read('train.en')}${'x'.repeat(200_000)}\n`);
    writeFileSync(path('train.fr'), `${read('train.fr')}${'y'.repeat(200_000)}\n`);
    succeeded(await run(['build-vocab', '--config', 'plain.yaml', '--run-dir', 'run']));
    const { model } = JSON.parse(read('run/tokenizer.json')) as { model: { vocab: Record<string, number> } };
    const longest = Math.max(...Object.keys(model.vocab).map((token) => token.length));
    assert.ok(longest <= 17, `${longest} characters`);
    const { stderr } = succeeded(await run(['train', '--config', 'plain.yaml', '--run-dir', 'run']));
    assert.match(stderr, /1 (source|target) too long/);
  });

  test('Windows line ends leave no carriage return in any output', async () => {
    const { run } = open('crlf-filter');
    const input = 'I see a cat.\r\n\r\nwe hear some bread.\r\n';
    for (const format of ['text', 'tsv', 'jsonl']) {
      const { stdout } = succeeded(await run([...TRANSLATE, '--format', format], input));
      assert.doesNotMatch(stdout, /\r|\\r/);
      assert.equal(stdout.split('\n').length, 4);
    }
  });

  test('special tokens of a foreign tokenizer in text are text', async () => {
    const { run } = open('foreign-special-tokens');
    const { stdout } = succeeded(await run(['tokenize', '--tokenizer', 'tokenizer.json', '--ids', 'in.txt']));
    const ids = stdout.trim().split(/\s+/).map(Number);
    assert.ok(ids.length > 0);
    for (const special of [0, 2, 3]) assert.ok(!ids.includes(special), `id ${special}`);
  });

  test('a line of invisible characters passes through', async () => {
    const { run, read } = open('invisible-line');
    const { stdout } = succeeded(await run([...TRANSLATE, 'in.txt']));
    const [input, output] = [read('in.txt').split('\n'), stdout.split('\n')];
    assert.equal(output.length, input.length);
    const invisible = input.flatMap((line, index) => (/^[\p{C}\s]+$/u.test(line) ? [index] : []));
    assert.ok(invisible.length > 0);
    for (const index of invisible) assert.equal(output[index], input[index]);
  });

  test('decomposed references do not lower the BLEU of a validation', async () => {
    const { run } = open('nfd-reference');
    const { stderr } = succeeded(await run(['train', '--config', 'vi.yaml']));
    assert.ok(bestBleu(stderr) > 80, stderr);
    assert.match(stderr, /normalization/);
  });

  test('a pipe as training text is refused at once', async () => {
    const { run, path } = open('pipe-corpus');
    for (const side of ['en', 'fr']) execFileSync('mkfifo', [path(`p.${side}`)]);
    // A writer as in `cat train.en > p.en &`, which the refused training leaves waiting.
    const writers = ['en', 'fr'].map((side) => spawn('cp', [path(`train.${side}`), path(`p.${side}`)]));
    for (const set of ['train', 'dev']) {
      const { code, stderr } = await run([
        ...['train', '--config', 'plain.yaml', '--run-dir', set],
        ...['--set', `data.${set}.0.source=p.en`, '--set', `data.${set}.0.target=p.fr`],
      ]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, new RegExp(`data\\.${set}\\[0\\]\\.source[^]*pipe[^]*file first`));
    }
    for (const writer of writers) writer.kill();
  });

  describe('hints', { skip }, () => {
    const hints: [string, string[], number, RegExp][] = [
      ['a configuration without --config', ['train', 'plain.yaml'], 2, /--config plain\.yaml/],
      ['a path with ~', ['config', '--config', 'tilde.yaml'], 2, /\$\{HOME\}\/train\.en/],
      ['a configuration in Latin-1', ['config', '--config', 'latin1.yaml', '--print'], 2, /latin1\.yaml:1:.*UTF-8/],
      ['semicolons in a CSV file', ['build-vocab', '--config', 'semicolon.yaml'], 1, /delimiter: ["']?;/],
      ['one JSON array', ['build-vocab', '--config', 'array.yaml'], 1, /jq -c '\.\[\]'/],
      ['--hyp and --ref', ['eval', '--hyp', 'dev.fr', '--ref', 'dev.fr'], 2, /--hypotheses, --references/],
    ];
    const { run } = skip === false ? open('small-hints') : { run: runCommand };
    for (const [name, args, expected, message] of hints) {
      test(name, async () => {
        const { code, stderr } = await run(args);
        assert.equal(code, expected, stderr);
        assert.match(stderr, message);
      });
    }

    test('a checkpoint as --model, and a run directory with a space', async () => {
      const trained = succeeded(await run(['train', '--config', 'plain.yaml', '--run-dir', 'my run']));
      assert.match(trained.stderr, /--model '[^']*my run'/);
      const { code, stderr } = await run(['translate', '--model', 'my run/checkpoints/step-00000005', 'dev.en']);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /--model '[^']*my run' --checkpoint 5/);
    });
  });

  test('a tab in a sentence of a TSV file is reported with its line', async () => {
    const { run, read, path } = open('tabs-in-tsv');
    const [source, target] = ['train.en', 'train.fr'].map((file) => read(file).trimEnd().split('\n'));
    writeFileSync(path('train.tsv'), source!.map((line, index) => `${line}\t${target![index]}\n`).join(''));
    const { stderr } = succeeded(await run(['train', '--config', 'tsv.yaml']));
    assert.match(stderr, /warning: .*train\.tsv:6: 3 columns/);
  });

  test('a tar archive is refused before the vocabulary', async () => {
    const { run, path, folder } = open('tgz-corpus');
    for (const side of ['en', 'fr']) {
      execFileSync('tar', ['czf', path(`train.${side}.tgz`), '-C', folder, `train.${side}`]);
    }
    const { code, stderr } = await run(['train', '--config', 'tgz.yaml']);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /train\.en\.tgz.* tar archive[^]*tar x/);
    assert.doesNotMatch(stderr, /building the vocabulary/);
  });

  test('the tokenizer of another run is never replaced', async () => {
    const { run, read } = open('tokenizer-of-another-run');
    succeeded(await run(['train', '--config', 'one.yaml', '--run-dir', 'old']));
    const sentence = 'we hear some bread.\n';
    const before = succeeded(await run(['translate', '--model', 'old'], sentence)).stdout;
    const tokenizer = read('old/tokenizer.json');
    for (const command of ['train', 'build-vocab']) {
      const { code, stderr } = await run([command, '--config', 'two.yaml', '--run-dir', `new-${command}`]);
      assert.equal(code, command === 'train' ? 0 : 2, stderr);
      assert.match(stderr, /old: .*(used unchanged|another vocabulary)/);
    }
    assert.equal(read('old/tokenizer.json'), tokenizer);
    assert.equal(succeeded(await run(['translate', '--model', 'old'], sentence)).stdout, before);
  });

  test('a read-only place and a full device give one line and no stack trace', async () => {
    const { run } = open('unknown-system-errors');
    // The kernel refuses new folders in /proc, and writes to /dev/full fail as on a full disk.
    const readOnly = await run(['build-vocab', '--config', 'plain.yaml', '--run-dir', '/proc/s2s/run']);
    assert.equal(readOnly.code, 1, readOnly.stderr);
    const [message, remedy, ...more] = readOnly.stderr.trim().split('\n');
    assert.match(message!, /^error: .*\/proc\/s2s/);
    assert.ok(remedy !== undefined && more.length === 0, readOnly.stderr);
    succeeded(await run(['train', '--config', 'plain.yaml', '--run-dir', 'run']));
    const full = spawnSync('sh', ['-c', '"$0" "$1" translate --model run dev.en > /dev/full', process.execPath, BIN], {
      cwd: join(root, 'unknown-system-errors'),
      encoding: 'utf8',
    });
    assert.equal(full.status, 1, full.stderr);
    assert.match(full.stderr, /no space is left on the device/);
    assert.doesNotMatch(full.stderr, /\n\s+at |not an error that s2s knows/);
  });

  test('the best checkpoint for text without spaces is not the first one', async () => {
    const { run, read } = open('unspaced-target');
    const { stderr } = succeeded(await run(['train', '--config', 'zh.yaml']));
    assert.ok(bestBleu(stderr) > 90, stderr);
    for (const checkpoint of ['best', 'last']) {
      const { stdout } = succeeded(await run(['translate', '--model', 'run', '--checkpoint', checkpoint, 'dev.en']));
      assert.equal(stdout, read('dev.zh'));
    }
    const itself = succeeded(await run(['eval', '--hypotheses', 'dev.zh', '--references', 'dev.zh']));
    assert.match(itself.stderr, /warning: [^]*--bleu-tokenizer/);
  });

  test('a vocabulary that is smaller than the alphabet names the setting and the number', async () => {
    const { run } = open('vocabulary-too-small-hint');
    const { stderr } = succeeded(await run(['train', '--config', 'zh.yaml']));
    assert.match(stderr, /warning: [^]*tokenizer\.size[^]*at least \d+/);
  });

  test('UTF-16 and compressed text are named with their remedy', async () => {
    const { run, path, read } = open('wrong-encoding-hint');
    const utf16 = await run(['train', '--config', 'u16.yaml']);
    assert.equal(utf16.code, 1, utf16.stderr);
    assert.match(utf16.stderr, /iconv -f utf-16/i);
    const signatures = { bzip2: 'BZh91AY&SY', xz: '\xfd7zXZ\0', zip: 'PK\x03\x04', zstd: '\x28\xb5\x2f\xfd' };
    for (const [name, bytes] of Object.entries(signatures)) {
      const text = Buffer.concat([Buffer.from(bytes, 'latin1'), gzipSync(read('plain.en'))]);
      writeFileSync(path(`plain.${name}`), text);
      const { code, stderr } = await run([
        ...['train', '--config', 'u16.yaml', '--run-dir', name, '--set', `data.train.0.source=plain.${name}`],
      ]);
      assert.equal(code, 1, stderr);
      assert.match(stderr, new RegExp(`plain\\.${name}.*${name}`));
    }
  });
});

function succeeded(result: CommandResult): CommandResult {
  assert.equal(result.code, 0, result.stderr);
  return result;
}

/** The highest BLEU of the validations in a log. */
function bestBleu(log: string): number {
  return Math.max(...[...log.matchAll(/^dev at step .*?BLEU ([\d.]+)/gm)].map(([, bleu]) => Number(bleu)));
}
