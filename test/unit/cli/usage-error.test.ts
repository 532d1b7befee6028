import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageError, type CommandLine } from '../../../src/cli/usage-error.js';

const LINE: CommandLine = {
  words: ['train'],
  commands: ['train', 'translate'],
  options: ['run-dir', 'runDir', 'seed', 'c', 'run-dri', 'runDri', 'sed'],
};

function errorOf(message: string, line: Partial<CommandLine> = {}): string {
  const { message: text, hint, exitCode } = usageError(message, { ...LINE, ...line });
  assert.equal(exitCode, 2);
  return `${text} | ${hint}`;
}

test('an unknown command is reported before other errors', () => {
  assert.equal(
    errorOf('Unknown arguments: foo, trian', { words: ['trian'] }),
    'Unknown command trian. | Did you mean train? Commands: train, translate. s2s --help describes them.',
  );
});

test('command names of other toolkits', () => {
  assert.match(
    errorOf('Unknown argument: predict', { words: ['predict'] }),
    /^Unknown command predict\. \| Did you mean translate\?/,
  );
  assert.match(
    errorOf('Unknown argument: constructor', { words: ['constructor'] }),
    /^Unknown command constructor\. \| Commands: /,
  );
});

// yargs also lists unknown options among the options.
test('unknown options with their dashes, each once, with the nearest options', () => {
  assert.equal(
    errorOf('Unknown arguments: run-dri, runDri, z, sed'),
    'Unknown option --run-dri, -z, --sed. | Did you mean --run-dir, --seed? s2s train --help shows the options.',
  );
  assert.equal(errorOf('Unknown argument: colour'), 'Unknown option --colour. | s2s train --help shows the options.');
});

test('unexpected arguments are not reported as options', () => {
  assert.equal(
    errorOf('Unknown arguments: sed, now', { words: ['train', 'now'] }),
    'Unknown option --sed. Unexpected argument now. | Did you mean --seed? s2s train --help shows the options.',
  );
});

test('other messages are put on one line', () => {
  assert.equal(
    errorOf('\n  Option --x is "y", but must be one of "z".'),
    'Option --x is "y", but must be one of "z". | s2s train --help shows the options.',
  );
  assert.equal(errorOf('Name a command.', { words: [] }), 'Name a command. | s2s --help shows the commands.');
});
