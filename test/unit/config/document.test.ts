import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfigDocument } from '../../../src/config/document.js';
import { UsageError } from '../../../src/errors.js';
import { ConfigFolder, DATA } from './fixtures.js';

const folder = new ConfigFolder();

test('YAML and JSON give the same configuration', () => {
  const yaml = folder.load(`\uFEFF${DATA}seed: 7 # lucky\n`);
  const json = folder.load(
    '{\n\t"data": {\n\t\t"train": [{"source": "train.a", "target": "train.b"}],\n' +
      '\t\t"dev": [{"source": "dev.a", "target": "dev.b"}]\n\t},\n\t"seed": 7\n}\n',
    {},
    'c.json',
  );
  assert.equal(json.seed, 7);
  assert.deepEqual(json, yaml);
});

test('problems in JSON are reported with their lines', () => {
  const problems = folder.problems(
    '{\n  "data": {\n    "train": [],\n    "dev": [{"source": "dev.a", "target": "dev.b"}]\n  },\n' +
      '  "seed": 1.5,\n  "sede": 1\n}',
    {},
    'c.json',
  );
  assert.deepEqual(problems, [
    '3: data.train: must be a non-empty list, but is [].',
    '6: seed: must be an integer, but is 1.5.',
    '7: sede: is not a setting. Did you mean seed?',
  ]);
  assert.match(folder.problems('{\n  "seed": 1,\n  "data": {"dev": [},\n}', {}, 'c.json')[0]!, /^3: /);
});

test('a duplicate key is reported with its second line', () => {
  assert.deepEqual(folder.problems(`${DATA}tokenizer:\n  type: bpe\n  "type": char\n`), [
    '6: the key type is given twice. Remove one of the two.',
  ]);
  assert.deepEqual(folder.problems('{"seed": 1,\n"seed": 2}', {}, 'c.json'), [
    '2: the key seed is given twice. Remove one of the two.',
  ]);
});

test('all syntax errors are reported with their lines', () => {
  const problems = folder.problems(`${DATA}model: { embeddingSize: 5\ntraining: @5\n`);
  assert.match(problems[0]!, /^5: /);
  assert.match(folder.problems('seed: 1\n\tdevice: cpu\n').join('\n'), /^2: /);
  assert.match(folder.problems('seed: "open\n').join('\n'), /^[12]: /);
  assert.match(folder.problems(`${DATA}---\nseed: 1\n`).join('\n'), /^4: a second YAML document begins here\. /);
  const both = folder.problems('seed: @1\ndevice: @cpu\n');
  assert.deepEqual(
    both.map((problem) => problem.slice(0, 2)),
    ['1:', '2:'],
  );
});

test('text that is not a configuration is rejected with a few short messages', () => {
  const problems = folder.problems(`# Title\n${'Some words: and {more}: [of them\n- `x`: "y\n'.repeat(40)}`);
  assert.ok(problems.length >= 1 && problems.length <= 10, String(problems.length));
  assert.ok(
    problems.every((problem) => problem.length < 200 && !problem.includes('\n')),
    problems.join('\n'),
  );
});

test('an unquoted variable in braces is reported with the fix', () => {
  const problems = folder.problems(
    'data:\n  train: [{ source: ${FOLDER}/a, target: ${FOLDER}/b }]\n  dev: [{ source: a, target: b }]\nseed: 1\n',
  );
  assert.match(
    problems.join('\n'),
    /^2: .*quote values with \$\{\.\.\.\}[^\n]*$/,
    'one line, without follow-up errors',
  );
});

test('anchors, aliases and merge keys are resolved, and problems in them have the line of the value', () => {
  const text = `${DATA}model:
  encoder: &layers
    layers: 2
    hiddenSize: 64
  decoder:
    <<: *layers
    hiddenSize: 32
training: { maxSteps: &steps 10, logEvery: *steps }
`;
  const { model, training } = folder.load(text);
  assert.deepEqual(
    [model.encoder.layers, model.decoder.layers, model.decoder.hiddenSize, training.logEvery],
    [2, 2, 32, 10],
  );
  assert.deepEqual(folder.problems(text.replace('layers: 2', 'layers: 0')), [
    '6: model.encoder.layers: must be at least 1, but is 0.',
    '8: model.decoder.layers: must be at least 1, but is 0.',
  ]);
  const shared = 'data:\n  train: [&all\n    { file: all.tsv, wight: 2 }]\n  dev:\n    - *all\n';
  assert.deepEqual(
    folder
      .problems(shared)
      .slice(0, 2)
      .map((problem) => problem.replace(/ is not.*/, '')),
    ['3: data.train[0].wight:', '3: data.dev[0].wight:'],
  );
});

test('an alias without an anchor is reported', () => {
  assert.match(
    folder.problems(`${DATA}seed: *seed\ndevice: *device\n`).join('\n'),
    /^4: the alias \*seed has no anchor before it\. .*\n5: the alias \*device /,
  );
});

test('exponential alias expansion is rejected', () => {
  const levels = Array.from(
    { length: 9 },
    (_, level) => `l${level + 1}: &l${level + 1} [${Array.from({ length: 9 }, () => `*l${level}`).join(', ')}]`,
  );
  assert.throws(
    () => folder.load(`l0: &l0 [1]\n${levels.join('\n')}\n`),
    (error) => error instanceof UsageError && /alias/.test(error.message),
  );
});

test('a file that is not a mapping, an empty file, and a missing file', () => {
  assert.match(folder.problems('- 1\n- 2\n').join(), /c\.yaml: must be a mapping, but is \[1,2\]\.$/);
  assert.match(
    folder.problems('just text\n', { set: ['seed=1'] }).join('\n'),
    /must be a mapping, but is "just text"\./,
  );
  assert.match(folder.problems('').join(), /^data: is required\.$/);
  assert.match(folder.problems('# only a comment\n').join(), /^data: is required\.$/);
  const missing = join(folder.path, 'no.yaml');
  assert.throws(
    () => readConfigDocument(missing),
    (error) =>
      error instanceof UsageError &&
      error.code === 'config-unreadable' &&
      error.place?.file === missing &&
      /no such/.test(error.message),
  );
  assert.throws(
    () => readConfigDocument(folder.path),
    (error) =>
      error instanceof UsageError && error.code === 'config-unreadable' && /is a directory/.test(error.message),
  );
});

test('a path is located at its nearest ancestor in the file', () => {
  const document = readConfigDocument(
    folder.write('c.yaml', 'data:\n  train:\n    - source: a\n    -\n      target: b\n'),
  );
  assert.deepEqual(document.locate([]), { file: document.file });
  assert.deepEqual(document.locate(['data', 'train', 0, 'source']), { file: document.file, line: 3 });
  assert.deepEqual(document.locate(['data', 'train', 1, 'source']), { file: document.file, line: 5 });
  assert.deepEqual(document.locate(['data', 'train', 7]), { file: document.file, line: 2 });
  assert.deepEqual(document.locate(['model']), { file: document.file });
});

test('a configuration that is not UTF-8 is an error with the line and the remedy', () => {
  for (const [bytes, line, encoding] of [
    [Buffer.from(`${DATA}runDirectory: l\xe4uf\n`, 'latin1'), 4, 'latin1'],
    [Buffer.from(`# \xfc\n${DATA}`, 'latin1'), 1, 'latin1'],
    [Buffer.from(`\ufeff${DATA}`, 'utf16le'), 1, 'utf-16'],
  ] as const) {
    const file = folder.write('bytes.yaml', bytes);
    assert.throws(
      () => readConfigDocument(file),
      (error: UsageError) => {
        assert.deepEqual([error.message, error.exitCode, error.place], ['is not valid UTF-8', 2, { file, line }]);
        return error.hint?.includes(`iconv -f ${encoding} `) === true;
      },
    );
  }
});
