import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { substituteVariables, escapeVariables } from '../../../src/config/environment.js';
import { ConfigFolder, DATA } from './fixtures.js';

const folder = new ConfigFolder();

test('${NAME} and ${NAME:-default} are substituted, anywhere in a string and repeatedly', () => {
  const report = (): void => assert.fail('nothing is missing');
  const fill = (text: string): unknown => substituteVariables({ list: [text] }, { A: 'x', EMPTY: '' }, report);
  assert.deepEqual(fill('${A}'), { list: ['x'] });
  assert.deepEqual(fill('1${A}2${A}'), { list: ['1x2x'] });
  assert.deepEqual(fill('${NO:-a/b}${NO:-}'), { list: ['a/b'] });
  assert.deepEqual(fill('${A:-y} ${EMPTY:-z}'), { list: ['x z'] });
  assert.deepEqual(fill('$A $ {A} ${1} ${A'), { list: ['$A $ {A} ${1} ${A'] });
});

test('substituted text is not substituted again, and $${NAME} is an escape', () => {
  const report = (): void => assert.fail('nothing is missing');
  assert.equal(substituteVariables('${A}', { A: '${B}', B: 'b' }, report), '${B}');
  assert.equal(substituteVariables('$${A} ${A}', { A: 'a' }, report), '${A} a');
  const value = { text: 'x${A:-b}$${B}${', list: [1, null, true, '${A}'] };
  assert.deepEqual(substituteVariables(escapeVariables(value), {}, report), value);
});

test('each unset variable is reported once, with line and key', () => {
  const problems = folder.problems(
    `${DATA}runDirectory: \${HERE}/\${THERE}\ntraining:\n  maxSteps: \${STEPS}\ntokenizer: { type: '\${TYPE}' }\n`,
  );
  assert.deepEqual(
    problems.map((problem) => problem.replace(/ Set it.*/, '')),
    [
      '4: runDirectory: the environment variable HERE is not set.',
      '4: runDirectory: the environment variable THERE is not set.',
      '6: training.maxSteps: the environment variable STEPS is not set.',
      '7: tokenizer.type: the environment variable TYPE is not set.',
    ],
  );
  assert.match(problems[0]!, /HERE=\.\.\. s2s .*\$\{HERE:-value\}/);
});

test('an empty variable counts as unset', () => {
  assert.equal(folder.problems(`${DATA}runDirectory: \${HERE}\n`, { environment: { HERE: '' } }).length, 1);
});

test('an unset variable in the path of a data file is not also reported as a missing file', () => {
  const problems = folder.problems(DATA.replace('train.a', "'${FOLDER}/train.a'"));
  assert.equal(problems.length, 1);
  assert.match(problems[0]!, /^2: data\.train\[0\]\.source: the environment variable FOLDER is not set/);
});

test('numbers and booleans may come from the environment', () => {
  const text = `${DATA}seed: \${SEED:-3}
tokenizer: { lowercase: '\${LOWER}' }
model: { dropout: { output: '0.\${DIGITS}' } }
runDirectory: \${NUMBER}
`;
  const environment = { LOWER: 'true', DIGITS: '25', NUMBER: '2024' };
  const config = folder.load(text, { environment });
  assert.equal(config.seed, 3);
  assert.equal(config.tokenizer.lowercase, true);
  assert.equal(config.model.dropout.output, 0.25);
  assert.equal(config.runDirectory, resolve('2024'));
  assert.deepEqual(folder.problems(text, { environment: { ...environment, SEED: 'many' } }), [
    '4: seed: must be a number, but is "many".',
  ]);
  // A quoted number in the file is still a string.
  assert.deepEqual(folder.problems(`${DATA}seed: "3"\n`), ['4: seed: must be a number, but is "3".']);
});

test('a path that starts with a variable is relative to the working directory, others to the file', () => {
  const text = `${DATA}runDirectory: \${RUNS:-runs}/a\ntokenizer: { directory: 'tokens/\${NAME}' }\n`;
  const { runDirectory, tokenizer } = folder.load(text, { environment: { NAME: 'x' } });
  assert.equal(runDirectory, resolve('runs/a'));
  assert.equal(tokenizer.directory, join(folder.path, 'tokens/x'));
});

test('variables in --set are substituted', () => {
  assert.equal(
    folder.load(DATA, { set: ['data.sourceLanguage=${LANGUAGE}'], environment: { LANGUAGE: 'Sorbian' } }).data
      .sourceLanguage,
    'Sorbian',
  );
  assert.match(
    folder.problems(DATA, { set: ['data.sourceLanguage=${LANGUAGE}'] }).join(),
    /^--set: data\.sourceLanguage: the environment variable LANGUAGE/,
  );
});
