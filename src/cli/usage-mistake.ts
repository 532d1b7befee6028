import { nearest } from '../config/nearest.js';
import { UsageError } from '../errors.js';

/** What is known of the command line at hand. */
export interface CommandLine {
  /** The words that are neither options nor their values, the command first. */
  readonly words: readonly string[];
  readonly commands: readonly string[];
  /** Options of the command, without dashes. */
  readonly options: readonly string[];
}

/** What other programs call a command. */
const SYNONYMS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    check: 'config',
    validate: 'config',
    vocab: 'build-vocab',
    decode: 'translate',
    predict: 'translate',
    infer: 'translate',
    score: 'eval',
    evaluate: 'eval',
    test: 'eval',
    benchmark: 'bench',
  }),
);

/** What yargs says is wrong with a command line, as an error with the option or command that was probably meant. */
export function usageMistake(message: string, { words, commands, options }: CommandLine): UsageError {
  const [command] = words;
  if (command !== undefined && !commands.includes(command)) {
    const synonym = SYNONYMS.get(command);
    return mistake(
      `There is no command ${command}.`,
      synonym === undefined ? suggestions([command], commands) : [synonym],
      `There are: ${commands.join(', ')}. s2s --help says what they do.`,
    );
  }
  const help = command === undefined ? 's2s --help shows the commands.' : `s2s ${command} --help shows what there is.`;
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/.exec(message)?.[1]?.split(', ');
  if (unknown === undefined) return mistake(sentence(message), [], help);
  const stray = unknown.filter((word) => words.includes(word));
  // yargs names an unknown --two-words once more as twoWords.
  const dashed = unknown.filter(
    (word) => !stray.includes(word) && !unknown.some((other) => other !== word && camelCase(other) === word),
  );
  const parts = [
    ...(dashed.length > 0 ? [`There is no option ${dashed.map(asTyped).join(', ')}.`] : []),
    ...(stray.length > 0
      ? [`What is ${stray.join(' ')}? s2s ${command} takes ${command === undefined ? 'no such word' : 'options only'}.`]
      : []),
  ];
  return mistake(
    parts.join(' '),
    suggestions(
      dashed,
      options.filter((option) => option.length > 1),
    ).map(asTyped),
    help,
  );
}

/** `runDir` for `run-dir`: the second name that yargs gives to an option. */
export function camelCase(option: string): string {
  return option.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function mistake(text: string, meant: readonly string[], help: string): UsageError {
  return new UsageError('usage', text, {
    hint: meant.length > 0 ? `Did you mean ${[...new Set(meant)].join(', ')}? ${help}` : help,
  });
}

function suggestions(words: readonly string[], known: readonly string[]): string[] {
  return words.flatMap((word) => nearest(word, known) ?? []);
}

function asTyped(option: string): string {
  return option.length === 1 ? `-${option}` : `--${option}`;
}

/** A message of yargs, on one line and with a full stop. */
function sentence(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  return /[.?!]$/.test(line) ? line : `${line}.`;
}
