import yargs, { type Argv, type CommandModule } from 'yargs';
import type { UsageError } from '../errors.js';
import { packageVersion } from '../version.js';
import { benchCommand } from './bench.js';
import { buildVocabCommand } from './build-vocab.js';
import { configCommand } from './config.js';
import { doctorCommand } from './doctor.js';
import { evalCommand } from './eval.js';
import { initCommand } from './init.js';
import { reportError } from './failure.js';
import { earlierOutputError, handleOutputErrors } from './output.js';
import { setupCommand } from './setup.js';
import { tokenizeCommand } from './tokenize.js';
import { trainCommand } from './train.js';
import { translateCommand } from './translate.js';
import { usageError, YARGS_MESSAGES } from './usage-error.js';

/** In the order of a typical workflow. Commands import their implementation only when they run. */
const COMMANDS = [
  initCommand,
  tokenizeCommand,
  buildVocabCommand,
  trainCommand,
  evalCommand,
  translateCommand,
  configCommand,
  setupCommand,
  benchCommand,
  doctorCommand,
] as unknown as CommandModule[];

/** Options and arguments that accept several values. */
const LISTS = new Set(['_', '--', 'files', 'set', 'references', 'metrics']);

/** Replaces the argument `-` (stdin) while yargs parses: yargs would take it for an option without a name. */
const STDIN = '\0stdin';

/**
 * Runs a command line.
 *
 * @param argv the arguments after `s2s`
 * @returns the exit code: 0 for success, 1 for a failure, 2 for a usage or configuration error, 129, 130 or 143 for a
 *   training that was saved and stopped by SIGHUP, SIGINT or SIGTERM
 */
export async function main(argv: readonly string[]): Promise<number> {
  handleOutputErrors();
  const debug = argv.includes('--debug');
  // Of streams and timers that no command waits for.
  process.on('uncaughtException', (error) => process.exit(reportError(error, debug)));
  try {
    await parser(argv).parseAsync();
    const outputError = await earlierOutputError();
    if (outputError !== undefined) return reportError(outputError, debug);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return reportError(error, debug);
  }
}

function parser(argv: readonly string[]): Argv {
  const root: Argv = yargs(argv.map((word) => (word === '-' ? STDIN : word)))
    .scriptName('s2s')
    // Otherwise yargs takes the language of the environment.
    .locale('en')
    .updateStrings(YARGS_MESSAGES)
    .parserConfiguration({ 'parse-positional-numbers': false })
    .usage('$0 COMMAND\n\nTrain translation models on your own parallel text.')
    .version(packageVersion())
    .help()
    .alias('h', 'help')
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .epilogue('s2s COMMAND --help shows the options of a command, with examples.')
    .demandCommand(1, 1, 'Name a command, and its options after it.')
    .strict()
    .exitProcess(false)
    .middleware(normalizeValues, true)
    .fail((message, error) => {
      // Errors without a message of yargs are from commands.
      throw message === null || message === '' ? error : parsingError(message, root.parsed);
    });
  return COMMANDS.reduce((parent, command) => parent.command(command), root);
}

/** Restores `-`, and keeps the last value of an option that was repeated but does not accept several values. */
function normalizeValues(args: Record<string, unknown>): void {
  const restore = (value: unknown): unknown => (value === STDIN ? '-' : value);
  for (const [name, value] of Object.entries(args)) {
    if (!Array.isArray(value)) args[name] = restore(value);
    else args[name] = LISTS.has(name) ? value.map(restore) : restore(value.at(-1));
  }
}

function parsingError(message: string, parsed: Argv['parsed']): UsageError {
  const { argv = { _: [] }, aliases = {} } = parsed === false ? {} : parsed;
  const restore = (text: string): string => text.replaceAll(STDIN, '-');
  return usageError(restore(message), {
    words: argv._.map((word) => restore(String(word))),
    commands: COMMANDS.map(({ command }) => String(command).split(' ')[0]!),
    options: Object.keys(aliases),
    filters: COMMANDS.flatMap(({ command }) => /^(\w+) \[files\.\.\]$/.exec(String(command))?.[1] ?? []),
  });
}
