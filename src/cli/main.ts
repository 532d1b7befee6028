import yargs, { type Argv, type CommandModule } from 'yargs';
import { nearest } from '../config/nearest.js';
import { UsageError } from '../errors.js';
import { packageVersion } from '../version.js';
import { buildVocabCommand } from './build-vocab.js';
import { configCommand } from './config.js';
import { doctorCommand } from './doctor.js';
import { evalCommand } from './eval.js';
import { reportFailure } from './failure.js';
import { setupCommand } from './setup.js';
import { tokenizeCommand } from './tokenize.js';
import { trainCommand } from './train.js';
import { translateCommand } from './translate.js';

/** In the order of a translation model's life. Each loads what it needs only when it runs. */
const COMMANDS = [tokenizeCommand, buildVocabCommand, trainCommand, evalCommand, translateCommand, configCommand, setupCommand, doctorCommand] as unknown as CommandModule[];

/**
 * Runs one command line.
 *
 * @param argv the words after `s2s`
 * @returns the exit code: 0 for success, 1 for a failure, 2 for a mistake in usage or configuration
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
  const root = yargs([...argv])
    .scriptName('s2s')
    .usage('$0 COMMAND\n\nTrain translation models on your own parallel text.')
    .version(packageVersion())
    .help()
    .alias('h', 'help')
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .epilogue('s2s COMMAND --help shows the options of a command, with examples.')
    .demandCommand(1, 1, 'Name a command.')
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      // Without a message an error comes from a command; with one, it is yargs' own of the command line.
      throw message === null || message === '' ? error : usageError(message, root as unknown as KnownWords, argv);
    });
  return COMMANDS.reduce((parent, command) => parent.command(command), root);
}

/** What yargs knows of the command at hand. */
interface KnownWords {
  getOptions(): { readonly key: Readonly<Record<string, unknown>> };
}

/** A mistake in the command line, with the option or command that was probably meant. */
function usageError(message: string, known: KnownWords, argv: readonly string[]): UsageError {
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/.exec(message)?.[1]?.split(', ') ?? [];
  const command = argv.find((word) => !word.startsWith('-'));
  const commandNames = COMMANDS.map((entry) => String(entry.command).split(' ')[0]!);
  const isCommand = command !== undefined && !commandNames.includes(command);
  const words = isCommand ? commandNames : Object.keys(known.getOptions().key).filter((key) => key.length > 1);
  const meant = (isCommand ? [command] : unknown).flatMap((word) => nearest(word, words) ?? []).map((word) => (isCommand ? word : `--${word}`));
  const text = isCommand ? `There is no command ${command}.` : message.replace(/^Unknown arguments?: /, 'There is no option ').replace(/\n+/g, ' ');
  const help = `s2s ${command !== undefined && !isCommand ? `${command} ` : ''}--help shows what there is.`;
  return new UsageError('usage', text, { hint: meant.length > 0 ? `Did you mean ${[...new Set(meant)].join(', ')}? ${help}` : help });
}

/** A reader that has seen enough, as `head`, closes the pipe: no reason to complain. */
function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
}
