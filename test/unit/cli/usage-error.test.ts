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

test('abbreviations and options of other toolkits', () => {
  const evaluation = { words: ['eval'], commands: ['eval'], options: ['help', 'set', 'hypotheses', 'references'] };
  assert.match(errorOf('Unknown arguments: hyp, ref', evaluation), /\| Did you mean --hypotheses, --references\?/);
  const options = ['max-epochs', 'maxEpochs', 'device', 'beam-size', 'beamSize', 'run-dir', 'set'];
  const hintOf = (option: string): string => errorOf(`Unknown argument: ${option}`, { options });
  assert.match(hintOf('epochs'), /Did you mean --max-epochs\?/);
  assert.match(hintOf('gpu'), /Did you mean --device gpu\?/);
  assert.match(hintOf('cpu'), /Did you mean --device cpu\?/);
  assert.match(hintOf('beam'), /Did you mean --beam-size\?/);
  assert.match(hintOf('max'), /Did you mean --max-epochs\?/);
  assert.match(hintOf('o'), /Did you mean --run-dir\?/);
  assert.match(hintOf('lr'), /Did you mean --set training\.optimizer\.learningRate=N\?/);
  assert.match(errorOf('Unknown argument: gpu', { options: ['cuda', 'device'] }), /Did you mean --cuda\?/);
});

test('a configuration without --config, quoted for the shell', () => {
  assert.match(errorOf('Unknown argument: x.yaml', { words: ['train', 'x.yaml'] }), /Did you mean --config x\.yaml\?/);
  assert.match(
    errorOf('Unknown argument: my x.json', { words: ['train', 'my x.json'] }),
    /Did you mean --config 'my x\.json'\?/,
  );
});

test('commands with files as arguments have no options for them', () => {
  const line = { words: ['translate'], filters: ['translate'], options: ['source-x', 'beam-size'] };
  for (const option of ['i', 'o', 'input', 'output', 'out'])
    assert.match(
      errorOf(`Unknown argument: ${option}`, line),
      /\| Input files are arguments, and the output is stdout: s2s translate input\.txt > output\.txt\. s2s translate --/,
    );
});
