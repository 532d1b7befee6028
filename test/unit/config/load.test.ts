import assert from 'node:assert/strict';
import { relative, join, resolve } from 'node:path';
import { test } from 'node:test';
import { listedCorpora } from '../../../src/config/hold-out.js';
import { ConfigError, loadConfig } from '../../../src/config/load.js';
import { UsageError } from '../../../src/errors.js';
import { ConfigFolder, DATA } from './fixtures.js';

const folder = new ConfigFolder();

test('all problems are reported together, in the order of their lines', () => {
  const text = `seeds: 1
device: gpu:first
data:
  train:
    - { source: train.a, target: missing.b }
    - { sorce: train.a, target: train.b }
  dev: [{ source: train.a, target: missing.b }]
  maxLengthRatio: 1
tokenizer:
  type: bep
  source: { size: 100 }
model:
  encoder: { hiddenSize: 7 }
  embeddingSize: \${WIDTH}
training:
  maxSteps: 0
  optimizer: { momentum: 0.9 }
decoding:
`;
  const problems = folder.problems(text, {
    set: ['decoding.lengthPenalty=-1'],
    overrides: { 'training.maxEpochs': 0.5 },
  });
  const expected = [
    /^--set: decoding\.lengthPenalty: must be at least 0, but is -1\.$/,
    /^command line: training\.maxEpochs: must be an integer or auto, but is 0\.5\.$/,
    /^1: seeds: is not a setting\. Did you mean seed\?$/,
    /^2: device: must be auto, cpu, gpu or gpu:N, but is "gpu:first"\.$/,
    /^5: data\.train\[0\]\.target: file not found: .*missing\.b\.$/,
    /^6: data\.train\[1\]\.sorce: is not a setting\. Did you mean data\.train\[1\]\.source\?$/,
    /^7: data\.dev\[0\]: is also in data\.train\./,
    /^7: data\.dev\[0\]\.target: file not found: .*missing\.b\.$/,
    /^8: data\.maxLengthRatio: must be more than 1, but is 1\.$/,
    /^10: tokenizer\.type: must be one of char, word, bpe, unigram, but is "bep"\. Did you mean bpe\?$/,
    /^14: model\.embeddingSize: the environment variable WIDTH is not set\./,
    /^16: training\.maxSteps: must be at least 1, but is 0\.$/,
  ];
  assert.equal(problems.length, expected.length, problems.join('\n'));
  for (const line of expected)
    assert.ok(
      problems.some((problem) => line.test(problem)),
      `${line}\n${problems.join('\n')}`,
    );
  const lines = problems.map((problem) => Number(/^(\d+):/.exec(problem)?.[1] ?? 0));
  assert.deepEqual(
    lines,
    lines.toSorted((left, right) => left - right),
  );
});

test('an invalid section is not checked for contradictions', () => {
  const text = `${DATA}model:
  encoder: { hiddenSizes: 7, hiddenSize: 8 }
  decoder: { attention: dot }
training: { optimizer: { momentum: 0.9 } }
`;
  assert.deepEqual(
    folder.problems(text).map((problem) => problem.split(' ')[1]),
    ['model.encoder.hiddenSizes:', 'training.optimizer.momentum:'],
  );
});

test('the message has every problem with file, line and key', () => {
  assert.throws(
    () => folder.load(`${DATA}sede: 1\ndevise: cpu\n`),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.exitCode, 2);
      const file = join(folder.path, 'c.yaml');
      assert.equal(
        error.message,
        `${file}:4: sede: is not a setting. Did you mean seed?\n` +
          `${file}:5: devise: is not a setting. Did you mean device?`,
      );
      return true;
    },
  );
});

/** Invalid values and the problem reported. */
const INVALID: readonly [setting: string, problem: string][] = [
  ['seed: many', 'seed: must be a number, but is "many".'],
  ['seed: -1', 'seed: must be at least 0, but is -1.'],
  ['seed: 3000000000', 'seed: must be at most 2147483647, but is 3000000000.'],
  ['seed: .nan', 'seed: must be a number, but is NaN.'],
  ['seed:', 'seed: must be a number, but is empty. Give it a value, or remove the key.'],
  ['runDirectory: 2024', 'runDirectory: must be a string, but is 2024. Quote it: "2024".'],
  ['runDirectory: ""', 'runDirectory: must be a non-empty string, but is "".'],
  ['training: []', 'training: must be a mapping, but is [].'],
  ['training:', 'training: must be a mapping, but is empty. Give it a value, or remove the key.'],
  ['tokenizer: { shared: yes }', 'tokenizer.shared: must be true or false, but is "yes".'],
  ['tokenizer: { size: 7 }', 'tokenizer.size: must be at least 8, but is 7.'],
  ['model: { encoder: { dropout: 1 } }', 'model.encoder.dropout: must be less than 1, but is 1.'],
  ['training: { optimizer: { learningRate: 0 } }', 'training.optimizer.learningRate: must be more than 0, but is 0.'],
  ['training: { maxMinutes: .inf }', 'training.maxMinutes: must be a number, but is Infinity.'],
  ['decoding: { beamsize: 3 }', 'decoding.beamsize: is not a setting. Did you mean decoding.beamSize?'],
  [
    'decoding: { colour: 3 }',
    'decoding.colour: is not a setting. Valid keys: beamSize, lengthPenalty, maxLengthRatio, maxLengthMargin, ' +
      'noRepeatNgramSize, copyUnknown, batchTokens.',
  ],
];

for (const [setting, problem] of INVALID) {
  test(`invalid value: ${setting}`, () => assert.deepEqual(folder.problems(DATA + setting), [`4: ${problem}`]));
}

test('invalid values of a corpus', () => {
  const of = (corpus: string): string[] =>
    folder.problems(`data:\n  train: [${corpus}]\n  dev: [{ source: dev.a, target: dev.b }]`, { checkFiles: false });
  assert.deepEqual(of('{ file: all.tsv, sourceColumn: true }'), [
    '2: data.train[0].sourceColumn: must be a string or a number, but is true.',
  ]);
  assert.deepEqual(of('{ file: all.tsv, delimiter: "::" }'), [
    '2: data.train[0].delimiter: must be a string of length 1, but is "::".',
  ]);
  assert.deepEqual(of('{ file: all.tsv, quote: "<<" }'), [
    '2: data.train[0].quote: must be a string of length at most 1, but is "<<".',
  ]);
  assert.deepEqual(of('train.tsv'), ['2: data.train[0]: must be a mapping, but is "train.tsv".']);
  assert.deepEqual(of(''), ['2: data.train: must be a non-empty list, but is [].']);
  assert.deepEqual(folder.problems('data: { dev: { source: dev.a } }'), [
    '1: data.train: is required.',
    '1: data.dev: must be a list or a mapping with holdOut, but is {"source":"dev.a"}.',
  ]);
});

test('held-out splits', () => {
  const of = (split: string): string[] =>
    folder.problems(`data:\n  train: [{ source: train.a, target: train.b }]\n${split}`);
  assert.deepEqual(of('  dev: { holdOut: 5 }\n  test: { holdOut: 7 }'), []);
  assert.deepEqual(of('  dev: { holdOut: 0.5 }'), ['3: data.dev.holdOut: must be an integer, but is 0.5.']);
  assert.deepEqual(of('  dev: { holdOut: 0 }'), ['3: data.dev.holdOut: must be at least 1, but is 0.']);
  assert.deepEqual(of('  dev: { holdOut: "5" }'), ['3: data.dev.holdOut: must be a number, but is "5".']);
  assert.deepEqual(of('  dev: { holdout: 5 }'), [
    '3: data.dev: must be a list or a mapping with holdOut, but is {"holdout":5}.',
  ]);
  assert.deepEqual(of('  dev: []'), ['3: data.dev: must be a non-empty list, but is [].']);
  assert.deepEqual(of('  dev: [{ file: all.tsv, weigth: 2 }]'), [
    '3: data.dev[0].weigth: is not a setting. Did you mean data.dev[0].weight?',
  ]);
  assert.deepEqual(of('  dev:'), [
    '3: data.dev: must be a list or a mapping with holdOut, but is empty. Give it a value, or remove the key.',
  ]);
});

test('a long value is truncated in the message', () => {
  const [problem] = folder.problems(`${DATA}seed: ${'x'.repeat(1000)}\n`);
  assert.ok(problem!.length < 120 && problem!.includes('xxx...'));
});

test('missing settings get their defaults', () => {
  const config = folder.load(DATA);
  assert.equal(config.seed, 1);
  assert.equal(config.model.encoder.layers, 1);
  assert.equal(config.decoding.beamSize, 5);
  assert.equal(config.training.maxSteps, undefined);
  assert.deepEqual(config.data.test, []);
});

test('what depends on the text is auto unless it is given', () => {
  const { tokenizer, model, training, data, device } = folder.load(`${DATA}model: { embeddingSize: '\${W}' }\n`, {
    environment: { W: '100' },
    set: ['training.batch.size=auto'],
    overrides: { 'training.maxEpochs': 3 },
  });
  assert.deepEqual([tokenizer.size, data.maxSourceLength, device], ['auto', 'auto', 'auto']);
  assert.deepEqual([model.embeddingSize, model.decoder.hiddenSize, model.dropout.output], [100, 'auto', 'auto']);
  assert.deepEqual([training.batch.size, training.maxEpochs, training.schedule.name], ['auto', 3, 'auto']);
  assert.equal(folder.load(DATA).training.maxEpochs, 'auto');
  assert.deepEqual(folder.problems(`${DATA}tokenizer: { size: autoo }`), [
    '4: tokenizer.size: must be a number or auto, but is "autoo".',
  ]);
  assert.deepEqual(folder.problems(`${DATA}training: { schedule: { name: plateu } }`), [
    '4: training.schedule.name: must be one of auto, constant, inverse-sqrt, step, exponential, plateau, ' +
      'but is "plateu". Did you mean plateau?',
  ]);
});

test('paths in the file are relative to it, paths from --set and options to the working directory', () => {
  const data = DATA.replace('dev: [', 'cacheDirectory: cache\n  dev: [');
  const text = `${data}tokenizer: { directory: ../tokens }\nrunDirectory: ${folder.path}/run\n`;
  const relativeFile = relative('.', folder.write('c.yaml', text));
  const config = loadConfig({ file: relativeFile, environment: {} });
  assert.equal(config.runDirectory, join(folder.path, 'run'));
  assert.equal(config.data.train[0]?.source, join(folder.path, 'train.a'));
  assert.equal(config.data.cacheDirectory, join(folder.path, 'cache'));
  assert.equal(config.tokenizer.directory, resolve(folder.path, '../tokens'));
  assert.equal(folder.load(DATA).runDirectory, join(folder.path, 'runs/default'));
  const changed = folder.load(text, {
    set: ['data.train.0.target=there.b', 'tokenizer.directory=t'],
    overrides: { runDirectory: 'r' },
    checkFiles: false,
  });
  assert.equal(changed.runDirectory, resolve('r'));
  assert.equal(changed.tokenizer.directory, resolve('t'));
  assert.equal(changed.data.train[0]?.target, resolve('there.b'));
  assert.equal(changed.data.train[0]?.source, join(folder.path, 'train.a'));
  const whole = folder.load(text, { set: ['data.dev=[{source: x, target: y}]'], checkFiles: false });
  assert.equal(listedCorpora(whole.data, 'dev')[0]?.source, resolve('x'));
});

test('priority: options, --set, file, defaults', () => {
  assert.equal(folder.load(DATA).seed, 1);
  assert.equal(folder.load(`${DATA}seed: 2`).seed, 2);
  assert.equal(folder.load(`${DATA}seed: 2`, { set: ['seed=3'] }).seed, 3);
  assert.equal(folder.load(`${DATA}seed: 2`, { set: ['seed=3', 'seed=4'] }).seed, 4);
  assert.equal(folder.load(`${DATA}seed: 2`, { set: ['seed=3'], overrides: { seed: 5, device: undefined } }).seed, 5);
});

test('a problem is reported at the origin of its value', () => {
  const text = `${DATA}seed: -1\n`;
  assert.match(folder.problems(text)[0]!, /^4: seed/);
  assert.match(folder.problems(text, { set: ['seed=-2'] })[0]!, /^--set: seed: .* is -2/);
  assert.match(
    folder.problems(text, { set: ['seed=-2'], overrides: { seed: -3 } })[0]!,
    /^command line: seed: .* is -3/,
  );
  // The corpus is from the file, although --set changed another key of it.
  assert.match(
    folder.problems(DATA.replace('source: train.a, ', ''), { set: ['data.train.0.weight=2'] }).join(),
    /^2: data\.train\[0\]: lacks source/,
  );
  // The file has no such mapping.
  assert.match(
    folder.problems(DATA, { set: ['modle.bridge=copy'] }).join(),
    /^--set: modle: is not a setting\. Did you mean model\?$/,
  );
});

test('a missing --config is reported with the fix', () => {
  assert.throws(
    () => loadConfig({}),
    (error) => error instanceof UsageError && error.code === 'no-config' && /--config FILE/.test(error.hint ?? ''),
  );
});

test('a path with ~ is reported with what to write instead, and nothing else', () => {
  const text = `runDirectory: ~/run
data:
  train: [{ source: ~/train.a, target: train.b }]
  dev: [{ source: ~ada/dev.a, target: dev.b }]
`;
  assert.deepEqual(folder.problems(text, { set: ['data.cacheDirectory=~/c'] }), [
    '--set: data.cacheDirectory: ~ means nothing in a configuration: ~/c. Write "${HOME}/c", with the quotes.',
    '1: runDirectory: ~ means nothing in a configuration: ~/run. Write "${HOME}/run", with the quotes.',
    '3: data.train[0].source: ~ means nothing in a configuration: ~/train.a. Write "${HOME}/train.a", with the quotes.',
    '4: data.dev[0].source: ~ means nothing in a configuration: ~ada/dev.a. Write the whole path.',
  ]);
  assert.equal(folder.load(`runDirectory: ./~/run\n${DATA}`).runDirectory, join(folder.path, '~/run'));
  const home = { environment: { HOME: '/home/ada' } };
  assert.equal(folder.load(`runDirectory: "\${HOME}/run"\n${DATA}`, home).runDirectory, '/home/ada/run');
});
