import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { writeTinyText } from '../support/tiny-training.js';

const text = writeTinyText({ train: 60, dev: 6 });
const { folder } = text;
after(() => text.remove());

writeFileSync(
  join(folder, 'c.yaml'),
  `runDirectory: run
device: cpu
data:
  train: [{ source: train.a, target: train.b }]
  dev: [{ source: dev.a, target: dev.b }]
tokenizer: { type: word, size: 40 }
model: { embeddingSize: 8, encoder: { hiddenSize: 8 }, decoder: { hiddenSize: 8 } }
training:
  batch: { size: 10, unit: sentences }
  logEvery: 2
  validation: { every: 1, unit: epochs, samples: 1 }
  earlyStopping: { patience: 0 }
decoding: { maxLengthRatio: 1 }
`,
);
// Not in the project directory, whose last run may be the user's.
const train = (...args: string[]) =>
  runCommand(['train', '--config', join(folder, 'c.yaml'), ...args], { cwd: folder });
const inFolder = (name: string): string[] => ['--run-dir', join(folder, name)];

/** A training in a child process. */
interface RunningTraining {
  readonly child: ChildProcess;
  /** Its stderr so far. */
  stderr(): string;
  /** Waits until its stderr matches a pattern. */
  waitFor(pattern: RegExp): Promise<void>;
  /** Waits for its exit code, or the signal that ended it. */
  end(): Promise<number | string>;
}

function startTraining(...args: string[]): RunningTraining {
  const child = spawn(process.execPath, [resolve('bin/s2s.js'), 'train', '--config', join(folder, 'c.yaml'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  return {
    child,
    stderr: () => stderr,
    async waitFor(pattern) {
      while (!pattern.test(stderr)) {
        const [waited] = (await Promise.race([once(child.stderr, 'data'), closed.then(() => ['closed'])])) as [string];
        assert.ok(waited !== 'closed' || pattern.test(stderr), `it ended without printing ${pattern}:\n${stderr}`);
      }
    },
    async end() {
      const [code, signal] = await closed;
      return code ?? signal!;
    },
  };
}

function rowsOf(run: string): { type: string; step: number }[] {
  return readFileSync(join(folder, run, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; step: number });
}

describe('s2s train', () => {
  test('trains a model from text: log on stderr, nothing on stdout', async () => {
    const { code, stdout, stderr } = await train('--max-epochs', '2', '--set', 'training.tensorboard=true');
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '');
    for (const line of [
      /^computing on the CPU/m,
      /^model\.tieTargetEmbeddings true: \S/m,
      /^building the vocabulary: missing file .*tokenizer\.json$/m,
      /^vocabulary: 12 tokens in .*run\/tokenizer\.json$/m,
      /^train: 60 of 60 pairs$/m,
      /^dev: 6 of 6 pairs$/m,
      /parameters, 60 training pairs, 6 steps per epoch, [\d.]+ % padding$/m,
      /^dry run: largest batch \(10 x \d+ source, \d+ target tokens\) and a translation succeeded in /m,
      new RegExp(
        String.raw`^epoch 1 step 2: loss \d+\.\d+, perplexity \d+\.\d+, lr 0\.00200, ` +
          String.raw`source / target / padding tokens per second [\d,]+ / [\d,]+ / [\d,]+, .* left$`,
        'm',
      ),
      /^dev at step 6: loss .*, perplexity .*, accuracy .* %, BLEU /m,
      /^ {2}source: .*\n {2}reference: .*\n {2}hypothesis: /m,
      /^saved step 12/m,
      /^stopped at step 12 after .*: max-epochs$/m,
      /^best bleu on dev: /m,
      /^the model is in .*run; translate with: s2s translate --model /m,
    ])
      assert.match(stderr, line);
    assert.ok(!stderr.includes('no limit is set'));
    assert.deepEqual(readdirSync(join(folder, 'run')).sort(), [
      'cache',
      'checkpoints',
      'config.yaml',
      'metrics.jsonl',
      'tensorboard',
      'tokenizer.json',
      'vocabulary.json',
    ]);
    assert.deepEqual(
      rowsOf('run').map(({ type, step }) => `${type} ${step}`),
      [
        'update 2',
        'update 4',
        'update 6',
        'validation 6',
        'update 8',
        'update 10',
        'update 12',
        'validation 12',
        'stopped 12',
      ],
    );
    const translated = await runCommand(['translate'], { input: 'a b c\n', cwd: folder });
    assert.equal(translated.code, 0, translated.stderr);
  });

  test('an existing run is only resumed; a finished run names the option that continues it', async () => {
    const refused = await train('--max-epochs', '2');
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /error: .*run: this directory already contains a training run, at step 12\nContinue it with --resume, or .*--run-dir DIR\./,
    );

    const before = rowsOf('run');
    const nothing = await train('--max-epochs', '2', '--resume');
    assert.equal(nothing.code, 0);
    assert.match(
      nothing.stderr,
      /nothing to do: .*run is at step 12, epoch 2, .* its limit \(max-epochs\)\.\nTo continue, raise --max-epochs, or .*--add-steps N\./,
    );
    assert.deepEqual(rowsOf('run'), before);

    const more = await train('--max-epochs', '2', '--resume', '--add-steps', '3');
    assert.equal(more.code, 0, more.stderr);
    assert.match(more.stderr, /^train: 60 of 60 pairs \(from the cache\)$/m);
    assert.match(more.stderr, /^resuming at step 12\n( {2}.*\n)* {2}training\.maxSteps was not set and is now 15$/m);
    assert.match(more.stderr, /^stopped at step 15 after .*: max-steps$/m);
    assert.ok(!more.stderr.includes('building the vocabulary'));
    assert.deepEqual(
      rowsOf('run')
        .slice(before.length - 1)
        .map(({ type, step }) => `${type} ${step}`),
      ['update 14', 'validation 15', 'stopped 15'],
    );

    const other = await train('--max-epochs', '2', '--resume', '--set', 'model.decoder.attention=dot');
    assert.equal(other.code, 2);
    assert.match(
      other.stderr,
      /another model or vocabulary:\n {2}model\.decoder\.attention was "general" and is now "dot"/,
    );
  });

  test('a vocabulary in the run directory follows the text; one in tokenizer.directory is used unchanged', async () => {
    writeFileSync(join(folder, 'more.a'), `${readFileSync(join(folder, 'train.a'), 'utf8')}zebra\n`);
    writeFileSync(join(folder, 'more.b'), `${readFileSync(join(folder, 'train.b'), 'utf8')}zebra\n`);
    const more = [
      '--max-steps',
      '1',
      '--set',
      `data.train=[{source: ${join(folder, 'more.a')}, target: ${join(folder, 'more.b')}}]`,
    ];
    await runCommand(['build-vocab', '--config', join(folder, 'c.yaml'), ...inFolder('own')]);
    const own = await train(...more, ...inFolder('own'));
    assert.match(own.stderr, /^building the vocabulary: the training text has changed$[^]*^vocabulary: 13 tokens/m);

    const named = ['--set', `tokenizer.directory=${join(folder, 'vocabulary')}`];
    assert.match(
      (await train(...named, '--max-steps', '1', ...inFolder('first'))).stderr,
      /building the vocabulary: missing file/,
    );
    assert.ok(!(await train(...named, '--max-steps', '1', ...inFolder('second'))).stderr.includes('vocabulary:'));
    const stale = await train(...named, ...more, ...inFolder('third'));
    assert.equal(stale.code, 0, stale.stderr);
    assert.match(stale.stderr, /vocabulary: its tokenizer is used unchanged, although the training text has changed/);
    for (const run of ['first', 'second', 'third']) {
      assert.deepEqual(
        readFileSync(join(folder, run, 'tokenizer.json')),
        readFileSync(join(folder, 'vocabulary', 'tokenizer.json')),
        'each run has a copy',
      );
    }
  });

  test('the tokenizer of a trained model is never replaced by another run', async () => {
    assert.equal((await train('--max-steps', '1', ...inFolder('old'))).code, 0);
    const before = new Map(
      readdirSync(join(folder, 'old'))
        .filter((name) => name.endsWith('.json'))
        .map((name) => [name, readFileSync(join(folder, 'old', name), 'utf8')]),
    );
    const unchanged = (): void =>
      before.forEach((content, name) => assert.equal(readFileSync(join(folder, 'old', name), 'utf8'), content));
    const named = ['--set', `tokenizer.directory=${join(folder, 'old')}`];
    for (const changes of [
      ['tokenizer.size=20'],
      ['tokenizer.shared=false'],
      ['tokenizer.shared=false', 'tokenizer.type=char'],
    ]) {
      const settings = [...named, ...changes.flatMap((change) => ['--set', change])];
      const trained = await train(...settings, '--max-steps', '1', ...inFolder(`new ${changes.join()}`));
      assert.equal(trained.code, changes[0] === 'tokenizer.size=20' ? 0 : 2, trained.stderr);
      const built = await runCommand([
        'build-vocab',
        '--config',
        join(folder, 'c.yaml'),
        ...settings,
        ...inFolder('newer'),
      ]);
      assert.equal(built.code, 2, built.stderr);
      assert.match(
        built.stderr,
        /old: contains a model trained up to step 1, which cannot be used with another vocabulary/,
      );
      unchanged();
    }
    const { code, stderr } = await runCommand(['translate', '--model', join(folder, 'old')], { input: 'a b\n' });
    assert.equal(code, 0, stderr);
  });

  test('a tokenizer and a vocabulary.json of the user are never replaced', async () => {
    await runCommand(['build-vocab', '--config', join(folder, 'c.yaml'), ...inFolder('users')]);
    const tokenizer = readFileSync(join(folder, 'users', 'tokenizer.json'), 'utf8');
    for (const [name, ...args] of [
      ['tokenizer.json', '--set', 'tokenizer.shared=false'],
      ['tokenizer.source.json', '--set', 'tokenizer.shared=false'],
      ['tokenizer.target.json'],
      ['vocabulary.json'],
    ]) {
      const run = join(folder, `users ${name}`);
      mkdirSync(run);
      writeFileSync(join(run, name!), ` ${tokenizer}`);
      for (const command of ['train', 'build-vocab']) {
        const limit = command === 'train' ? ['--max-steps', '1'] : [];
        const { code, stderr } = await runCommand(
          [command, '--config', join(folder, 'c.yaml'), '--run-dir', run, ...limit, ...args],
          { cwd: folder },
        );
        assert.equal(code, 2, stderr);
        assert.ok(stderr.includes(`error: ${join(run, name!)}: s2s did not write this file`), stderr);
        assert.deepEqual(
          readdirSync(run).filter((file) => file !== 'cache'),
          [name],
        );
      }
      const copied = await train(
        '--run-dir',
        run,
        '--set',
        `tokenizer.directory=${join(folder, 'users')}`,
        '--max-steps',
        '1',
      );
      assert.equal(copied.code, name === 'tokenizer.json' || name === 'vocabulary.json' ? 2 : 0, copied.stderr);
      assert.equal(readFileSync(join(run, name!), 'utf8'), ` ${tokenizer}`);
    }
  });

  test('a config.yaml of the user is never replaced', async () => {
    const run = join(folder, 'project');
    mkdirSync(run);
    const mine = `# mine\n${readFileSync(join(folder, 'c.yaml'), 'utf8')
      .replace('runDirectory: run', 'runDirectory: .')
      .replaceAll(/(train|dev)\.([ab])/g, '../$1.$2')}`;
    writeFileSync(join(run, 'config.yaml'), mine);
    const refused = await runCommand(['train', '--config', 'config.yaml', '--max-steps', '1'], { cwd: run });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /project\/config\.yaml: s2s did not write this file/);
    assert.equal(readFileSync(join(run, 'config.yaml'), 'utf8'), mine);
    // The configuration of a run can start another run, or the same run before its first checkpoint.
    assert.equal((await train(...inFolder('once'), '--max-steps', '1')).code, 0);
    rmSync(join(folder, 'once', 'checkpoints'), { recursive: true });
    const again = await runCommand(['train', '--config', join('once', 'config.yaml')], { cwd: folder });
    assert.equal(again.code, 0, again.stderr);
  });

  test('--add-steps without --resume or with an invalid number is rejected', async () => {
    for (const [args, message] of [
      [['--add-steps', '3'], /--add-steps requires --resume/],
      [['--resume', '--add-steps', '0.5'], /must be an integer of at least 1, but is 0\.5/],
    ] as const) {
      const { code, stderr } = await train(...inFolder('mistake'), ...args);
      assert.equal(code, 2);
      assert.match(stderr, message);
    }
  });

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} saves and exits with ${code}; --resume continues`, async () => {
      const running = startTraining(...inFolder(signal), '--max-epochs', '1000000');
      await running.waitFor(/^epoch \d+ step \d+:/m);
      // npm and the terminal each send one; they count as one.
      running.child.kill(signal);
      running.child.kill(signal);
      assert.equal(await running.end(), code, running.stderr());
      const log = running.stderr();
      assert.match(log, /^warning: stopping after this step; repeat to stop immediately without saving$/m);
      const stopped = Number(/^stopped at step ([\d,]+) after .*: interrupted$/m.exec(log)![1]!.replace(',', ''));
      assert.match(log, /^to resume the training, run the same command with --resume$/m);
      assert.ok(!existsSync(join(folder, signal, '.lock')));

      const resumed = await train(...inFolder(signal), '--resume', '--add-steps', '2');
      assert.equal(resumed.code, 0, resumed.stderr);
      assert.match(resumed.stderr, new RegExp(`^resuming at step ${stopped.toLocaleString('en-US')}$`, 'm'));
      const steps = rowsOf(signal)
        .filter(({ type }) => type === 'update')
        .map(({ step }) => step);
      assert.deepEqual(
        steps,
        Array.from({ length: Math.floor((stopped + 2) / 2) }, (_, row) => 2 * (row + 1)),
        'every row once, in order',
      );
    });
  }

  test('continues and saves if stderr is closed', async () => {
    const training = startTraining(...inFolder('unread'), '--max-steps', '30');
    await training.waitFor(/^computing on/m);
    training.child.stderr!.destroy();
    assert.equal(await training.end(), 0);
    assert.ok(existsSync(join(folder, 'unread', 'checkpoints', 'step-00000030', 'model.safetensors')));
  });

  test('SIGHUP, from a closed terminal, saves and exits with 129', async () => {
    const training = startTraining(...inFolder('hung-up'), '--max-epochs', '1000000');
    await training.waitFor(/step 4:/);
    training.child.kill('SIGHUP');
    assert.equal(await training.end(), 129);
    assert.match(training.stderr(), /saved step/);
  });

  test('a run becomes the last run with its first checkpoint', async () => {
    const note = join(folder, '.s2s', 'last-run');
    await train(...inFolder('complete'), '--max-steps', '2');
    assert.equal(readFileSync(note, 'utf8'), 'complete\n');
    const running = startTraining(
      ...inFolder('unsaved'),
      '--max-minutes',
      '5',
      '--set',
      'training.validation.every=1000',
    );
    await running.waitFor(/ step 2: /);
    running.child.kill('SIGKILL');
    await running.end();
    assert.equal(readFileSync(note, 'utf8'), 'complete\n');
  });

  test('build-vocab does not replace the vocabulary of a trained model without --force', async () => {
    const args = ['--config', join(folder, 'c.yaml'), ...inFolder('unread')];
    assert.equal((await runCommand(['build-vocab', ...args])).code, 0, 'the same vocabulary again is harmless');
    const refused = await runCommand(['build-vocab', ...args, '--set', 'tokenizer.size=20']);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /unread: contains a model trained up to step \d+, which cannot be used with another vocabulary\n.*--run-dir/,
    );
    assert.equal((await runCommand(['translate', '--model', join(folder, 'unread')], { input: 'a b\n' })).code, 0);
    const forced = await runCommand(['build-vocab', ...args, '--set', 'tokenizer.size=20', '--force']);
    assert.equal(forced.code, 0, forced.stderr);
    assert.match(
      forced.stderr,
      /^warning: .*unread contains a model trained to step \d+, which cannot be used with the new vocabulary$/m,
    );
  });

  test('a run directory is locked during training, and can be resumed after kill -9', async () => {
    const running = startTraining(
      ...inFolder('busy'),
      '--set',
      'training.checkpoints.everySteps=1',
      '--max-minutes',
      '5',
    );
    await running.waitFor(/^saved step 2\b/m);
    const second = await train(...inFolder('busy'), '--resume', '--max-steps', '1000');
    assert.equal(second.code, 1);
    assert.match(
      second.stderr,
      new RegExp(`busy: process ${running.child.pid} on .* has been training here since .*\nChoose another --run-dir`),
    );
    running.child.kill('SIGKILL');
    assert.equal(await running.end(), 'SIGKILL');
    appendFileSync(join(folder, 'busy', 'metrics.jsonl'), '{"type":"upd');

    const resumed = await train(...inFolder('busy'), '--resume', '--add-steps', '2');
    assert.equal(resumed.code, 0, resumed.stderr);
    const from = Number(/^resuming at step ([\d,]+)$/m.exec(resumed.stderr)![1]!.replace(',', ''));
    assert.ok(from >= 2);
    assert.match(resumed.stderr, new RegExp(`^stopped at step ${(from + 2).toLocaleString('en-US')} after`, 'm'));
    const steps = rowsOf('busy')
      .filter(({ type }) => type === 'update')
      .map(({ step }) => step);
    assert.deepEqual(
      steps,
      Array.from({ length: Math.floor((from + 2) / 2) }, (_, row) => 2 * (row + 1)),
    );
  });

  test('a full disk: the draft is removed, the last checkpoint is named, and the training can be resumed', async () => {
    // The disk is full from the given write of a checkpoint on.
    const script = join(folder, 'full-disk.mjs');
    writeFileSync(
      script,
      `import { open } from 'node:fs/promises';
      const handle = await open(process.execPath);
      const prototype = Object.getPrototypeOf(handle);
      await handle.close();
      const { write } = prototype;
      let checkpoints = 0;
      prototype.write = function (bytes, ...rest) {
        if (bytes.length > 0 && Buffer.from(bytes.subarray(8, 120)).includes('"step"')) checkpoints++;
        return checkpoints < 6
          ? write.call(this, bytes, ...rest)
          : Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' }));
      };`,
    );
    const args = [...inFolder('a full disk'), '--max-steps', '8', '--set', 'training.checkpoints.everySteps=2'];
    const { code, stderr } = await runCommand(['train', '--config', join(folder, 'c.yaml'), ...args], {
      cwd: folder,
      env: { NODE_OPTIONS: `--import ${script}` },
    });
    assert.equal(code, 1, stderr);
    const checkpoints = join(folder, 'a full disk', 'checkpoints');
    assert.match(
      stderr,
      /\nerror: .*a full disk\/checkpoints: no space is left on the device; the last checkpoint is from step 4\nFree some space.* Then continue with --resume\.\n$/,
    );
    assert.deepEqual(readdirSync(checkpoints).sort(), ['index.json', 'step-00000002', 'step-00000004']);
    const resumed = await train(...args, '--resume');
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.match(resumed.stderr, /translate with: s2s translate --model '.*a full disk' < input\.txt/);
  });

  test('a run directory that cannot be made is one line', { skip: process.platform !== 'linux' }, async () => {
    const { code, stderr } = await train('--run-dir', '/proc/no/run');
    assert.equal(code, 1);
    assert.match(stderr, /\nerror: \/proc\/no\/run: the folder cannot be created: .*\n.*\n$/);
    assert.doesNotMatch(stderr, /^ +at /m);
  });
});
