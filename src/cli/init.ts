import type { Argv, CommandModule } from 'yargs';
import { UsageError } from '../errors.js';
import type { LogLevel } from './log.js';
import { LOG_OPTIONS } from './options.js';

export interface InitArguments {
  readonly files: readonly string[] | undefined;
  readonly sourceColumn: string | undefined;
  readonly targetColumn: string | undefined;
  readonly sourceLanguage: string | undefined;
  readonly targetLanguage: string | undefined;
  readonly swap: boolean;
  readonly dev: number | undefined;
  readonly test: number | undefined;
  readonly runDir: string | undefined;
  readonly output: string | undefined;
  readonly force: boolean;
  readonly yes: boolean;
  readonly logLevel: LogLevel;
}

export const initCommand: CommandModule<object, InitArguments> = {
  command: 'init [files..]',
  describe: 'Write a configuration for your text: one table with both sides, or two aligned files',
  builder: (yargs) => {
    const text = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;
    return yargs
      .positional('files', {
        type: 'string',
        array: true,
        describe: 'A TSV, CSV or JSON Lines file, or two text files with one sentence per line; plain or gzipped',
      })
      .option('source-column', text('Column of the source side: name, or number from 1'))
      .option('target-column', text('Column of the target side: name, or number from 1'))
      .option('source-language', text('Source language; identified by default'))
      .option('target-language', text('Target language; identified by default'))
      .option('swap', { type: 'boolean', default: false, describe: 'Swap source and target' })
      .option('dev', {
        type: 'number',
        requiresArg: true,
        defaultDescription: '5 % of the pairs, at most 1000',
        describe: 'Number of pairs to hold out for dev',
      })
      .option('test', {
        type: 'number',
        requiresArg: true,
        defaultDescription: 'as many as --dev',
        describe: 'Number of pairs to hold out for test; 0 for none',
      })
      .option('run-dir', { ...text('Run directory'), defaultDescription: 'runs/NAME' })
      .option('output', {
        alias: 'o',
        ...text('Configuration file to write'),
        defaultDescription: 'NAME.yaml in the working directory',
      })
      .option('force', { type: 'boolean', default: false, describe: 'Replace an existing configuration file' })
      .option('yes', { alias: 'y', type: 'boolean', default: false, describe: 'Ask no questions on a terminal' })
      .options(LOG_OPTIONS)
      .example('$0 init my.tsv', 'write my.yaml; the first two columns with text are source and target')
      .example('$0 init train.de.gz train.en.gz -o de-en.yaml', 'two aligned files')
      .example('$0 init all.csv --source-column german --target-column english --dev 500 --test 500', 'columns by name')
      .epilogue(
        'Dev and test pairs are drawn from the text and not trained on. The next command goes to stdout.',
      ) as unknown as Argv<InitArguments>;
  },
  handler: async ({ files = [], ...rest }) => {
    const args = { ...rest, files };
    checkNumber('dev', args.dev, 1);
    checkNumber('test', args.test, 0);
    if (args.files.length === 0 || args.files.length > 2)
      throw new UsageError(
        'usage',
        `${args.files.length === 0 ? 'No file was' : `${args.files.length} files were`} given.`,
        {
          hint:
            'Name one table with both sides, or two aligned text files. More corpora can be added to data.train of ' +
            'the configuration.',
        },
      );
    const { runInit } = await import('./run-init.js');
    await runInit(args);
  },
};

function checkNumber(option: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return;
  throw new UsageError('usage', `--${option} must be an integer of at least ${least}.`);
}
