import { nearest } from '../config/nearest.js';
import { UsageError } from '../errors.js';
import { shellQuote } from '../shell-quote.js';
import { namesFile, suggestOptions } from './option-names.js';

/** A rejected command line. */
export interface CommandLine {
  /** Arguments that are neither options nor values of options; the command is the first. */
  readonly words: readonly string[];
  readonly commands: readonly string[];
  /** Options of the command, without dashes. */
  readonly options: readonly string[];
  /** Commands that take files as arguments and write to stdout. */
  readonly filters?: readonly string[];
}

/** Command names of other toolkits. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['check', 'config'],
  ['validate', 'config'],
  ['vocab', 'build-vocab'],
  ['decode', 'translate'],
  ['predict', 'translate'],
  ['infer', 'translate'],
  ['score', 'eval'],
  ['evaluate', 'eval'],
  ['test', 'eval'],
  ['benchmark', 'bench'],
]);

/** A file that is more likely a configuration than anything else. */
const CONFIG_FILE = /\.(ya?ml|json)$/i;

/** Messages of yargs and those that replace them. */
export const YARGS_MESSAGES = {
  'Not enough arguments following: %s': 'Option --%s requires a value.',
  'Invalid values:': 'Invalid value.',
  'Argument: %s, Given: %s, Choices: %s': 'Option --%s is %s, but must be one of %s.',
  'Arguments %s and %s are mutually exclusive': 'Options --%s and --%s cannot be combined.',
};

/** Converts a message of yargs to an error that suggests the nearest command or option. */
export function usageError(message: string, { words, commands, options, filters = [] }: CommandLine): UsageError {
  const [command] = words;
  if (command !== undefined && !commands.includes(command)) return unknownCommand(command, commands);
  const help = command === undefined ? 's2s --help shows the commands.' : `s2s ${command} --help shows the options.`;
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ');
  if (unknown === undefined) return new UsageError('usage', message.replace(/\s+/g, ' ').trim(), { hint: help });
  const unexpected = unknown.filter((name) => words.includes(name));
  // yargs reports an unknown --run-dri as run-dri and runDri.
  const camelCased = new Set(unknown.map(camelCase).filter((name, index) => name !== unknown[index]));
  const unknownOptions = unknown.filter((name) => !unexpected.includes(name) && !camelCased.has(name));
  const text = [
    ...(unknownOptions.length > 0 ? [`Unknown option ${unknownOptions.map(withDashes).join(', ')}.`] : []),
    ...(unexpected.length > 0 ? [`Unexpected argument ${unexpected.join(' ')}.`] : []),
  ].join(' ');
  const known = options.filter((option) => option.length > 1 && !unknown.includes(option));
  const isFilter = command !== undefined && filters.includes(command);
  const files = isFilter ? unknownOptions.filter(namesFile) : [];
  const suggestions = [
    ...unknownOptions.filter((option) => !files.includes(option)).flatMap((option) => suggestOptions(option, known)),
    ...unexpected.filter((word) => CONFIG_FILE.test(word)).map((word) => `config ${shellQuote(word)}`),
  ];
  const redirection =
    files.length === 0
      ? ''
      : `Input files are arguments, and the output is stdout: s2s ${command} input.txt > output.txt. `;
  return new UsageError('usage', text, { hint: redirection + didYouMean(suggestions.map(withDashes)) + help });
}

function unknownCommand(command: string, commands: readonly string[]): UsageError {
  const suggestion = SYNONYMS.get(command) ?? nearest(command, commands);
  const list = `Commands: ${commands.join(', ')}. s2s --help describes them.`;
  return new UsageError('usage', `Unknown command ${command}.`, {
    hint: didYouMean(suggestion === undefined ? [] : [suggestion]) + list,
  });
}

/** The name under which yargs also stores an option: `runDir` for `run-dir`. */
function camelCase(option: string): string {
  return option.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function didYouMean(suggestions: readonly string[]): string {
  return suggestions.length === 0 ? '' : `Did you mean ${[...new Set(suggestions)].join(', ')}? `;
}

function withDashes(option: string): string {
  return option.length === 1 ? `-${option}` : `--${option}`;
}
