import assert from 'node:assert/strict';
import { test } from 'node:test';
import { camelCase, usageMistake, type CommandLine } from '../../../src/cli/usage-mistake.js';

const LINE: CommandLine = {
  words: ['train'],
  commands: ['train', 'translate'],
  options: ['run-dir', 'runDir', 'seed', 'c'],
};

function said(message: string, line: Partial<CommandLine> = {}): string {
  const { message: text, hint, exitCode } = usageMistake(message, { ...LINE, ...line });
  assert.equal(exitCode, 2);
  return `${text} | ${hint}`;
}

test('an unknown command, whatever else is wrong', () => {
  assert.equal(
    said('Unknown arguments: foo, trian', { words: ['trian'] }),
    'There is no command trian. | Did you mean train? There are: train, translate. s2s --help says what they do.',
  );
});

test('a command by the name that other programs give it', () => {
  assert.match(
    said('Unknown argument: predict', { words: ['predict'] }),
    /^There is no command predict\. \| Did you mean translate\?/,
  );
  assert.match(
    said('Unknown argument: constructor', { words: ['constructor'] }),
    /^There is no command constructor\. \| There are: /,
  );
});

test('unknown options with their dashes, each once, and the options that were meant', () => {
  assert.equal(
    said('Unknown arguments: run-dri, runDri, z, sed'),
    'There is no option --run-dri, -z, --sed. | Did you mean --run-dir, --seed? s2s train --help shows what there is.',
  );
  assert.equal(
    said('Unknown argument: colour'),
    'There is no option --colour. | s2s train --help shows what there is.',
  );
});

test('stray words are not called options', () => {
  assert.equal(
    said('Unknown arguments: sed, now', { words: ['train', 'now'] }),
    'There is no option --sed. What is now? s2s train takes options only. | Did you mean --seed? s2s train --help shows what there is.',
  );
});

test('other messages as they are, on one line', () => {
  assert.equal(
    said('Invalid values:\n  Argument: x, Given: "y"'),
    'Invalid values: Argument: x, Given: "y". | s2s train --help shows what there is.',
  );
  assert.equal(said('Name a command.', { words: [] }), 'Name a command. | s2s --help shows the commands.');
});

test('the second name of an option', () =>
  assert.deepEqual(['run-dir', 'seed', 'a-b-c'].map(camelCase), ['runDir', 'seed', 'aBC']));
