import yargs, { type Argv, type CommandModule } from 'yargs';
import type { UsageError } from '../errors.js';
import { packageVersion } from '../version.js';
import { benchCommand } from './bench.js';
import { buildVocabCommand } from './build-vocab.js';
import { configCommand } from './config.js';
import { doctorCommand } from './doctor.js';
import { evalCommand } from './eval.js';
import { reportFailure } from './failure.js';
import { setupCommand } from './setup.js';
import { tokenizeCommand } from './tokenize.js';
import { trainCommand } from './train.js';
import { translateCommand } from './translate.js';
import { camelCase, usageMistake } from './usage-mistake.js';

/** In the order of a translation model's life. Each loads what it needs only when it runs. */
const COMMANDS = [
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

/**
 * Runs one command line.
 *
 * @param argv the words after `s2s`
 * @returns the exit code: 0 for success, 1 for a failure, 2 for a mistake in usage or configuration, 129, 130 or 143
 *   for a training that SIGHUP, SIGINT or SIGTERM ended after saving
 */
export async function main(argv: readonly string[]): Promise<number> {
  endQuietlyOnClosedPipe();
  try {
    await parser(argv).parseAsync();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return reportFailure(error, argv.includes('--debug'));
  }
}

function parser(argv: readonly string[]): Argv {
  const root: Argv = yargs([...argv])
    .scriptName('s2s')
    // Messages are in one language, whatever that of the environment.
    .locale('en')
    .usage('$0 COMMAND\n\nTrain translation models on your own parallel text.')
    .version(packageVersion())
    .help()
    .alias('h', 'help')
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .epilogue('s2s COMMAND --help shows the options of a command, with examples.')
    .demandCommand(1, 1, 'Name a command, and its options after it.')
    .strict()
    .exitProcess(false)
    .middleware((args) => keepLast(args, root as unknown as Known), true)
    .fail((message, error) => {
      // Without a message an error comes from a command; with one, it is yargs' own of the command line.
      throw message === null || message === '' ? error : mistake(message, root as unknown as Known);
    });
  return COMMANDS.reduce((parent, command) => parent.command(command), root);
}

/** What yargs knows of the command at hand. */
interface Known {
  getOptions(): { readonly key: Readonly<Record<string, unknown>>; readonly array: readonly string[] };
  readonly parsed: false | { readonly argv: { readonly _: readonly (string | number)[] } };
}

/** Of an option given twice, the last counts, as usual; only options that take several values collect them. */
function keepLast(args: Record<string, unknown>, known: Known): void {
  const lists = new Set(known.getOptions().array.flatMap((name) => [name, camelCase(name)]));
  for (const [name, value] of Object.entries(args)) {
    if (Array.isArray(value) && name !== '_' && name !== '--' && !lists.has(name)) args[name] = value.at(-1);
  }
}

function mistake(message: string, known: Known): UsageError {
  return usageMistake(message, {
    words: known.parsed === false ? [] : known.parsed.argv._.map(String),
    commands: COMMANDS.map((entry) => String(entry.command).split(' ')[0]!),
    options: Object.keys(known.getOptions().key),
  });
}

/**
 * A reader of the results that has seen enough, as `head`, closes the pipe: no reason to complain. One of the messages that
 * is gone, as a `tee` that died, is no reason to end either: a training goes on in silence.
 */
function endQuietlyOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
  });
}
