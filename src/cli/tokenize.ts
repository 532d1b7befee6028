import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import { UsageError } from '../errors.js';
import type { Conversion } from '../text/convert.js';
import type { Tokenizer } from '../text/tokenizer.js';
import { checkReadable } from './files.js';
import { Log } from './log.js';
import { LineWarnings } from './line-warnings.js';
import { configIfGiven, FILES_ARGUMENT, withCommonOptions, type CommonArguments } from './options.js';
import { writeOutput } from './output.js';

interface TokenizeArguments extends CommonArguments {
  readonly files: readonly string[] | undefined;
  readonly side: 'source' | 'target';
  readonly tokenizer: string | undefined;
  readonly model: string | undefined;
  readonly detokenize: boolean;
  readonly ids: boolean;
}

export const tokenizeCommand: CommandModule<object, TokenizeArguments> = {
  command: 'tokenize [files..]',
  describe: 'Tokenize or detokenize files or stdin to stdout, one output line per input line',
  builder: (yargs) =>
    withCommonOptions(yargs)
      .positional('files', FILES_ARGUMENT)
      .option('side', {
        choices: ['source', 'target'] as const,
        default: 'source' as const,
        requiresArg: true,
        describe: 'Side whose tokenizer is used, if tokenizers are not shared',
      })
      .option('tokenizer', { type: 'string', requiresArg: true, describe: 'tokenizer.json file' })
      .option('model', {
        alias: 'm',
        type: 'string',
        requiresArg: true,
        describe:
          'Run directory of the tokenizer; defaults to that of --config, $S2S_MODEL, or the last run trained in this ' +
          'directory',
      })
      .option('detokenize', { alias: 'd', type: 'boolean', default: false, describe: 'Convert tokens to text' })
      .option('ids', { type: 'boolean', default: false, describe: 'Use token ids instead of strings' })
      .conflicts('tokenizer', ['model', 'config'])
      .conflicts('model', 'config')
      .example('$0 tokenize --config c.yaml train.de.gz | head', 'the tokens of the source text')
      .example('$0 tokenize --model runs/de-en --side target < text', 'with the tokenizer of a trained model')
      .example('$0 tokenize < text | $0 tokenize --detokenize', 'round trip'),
  handler: async (args) => {
    const { files = [] } = args;
    await checkReadable(files);
    const log = new Log(args.logLevel);
    const tokenizer = await findTokenizer(args);
    for (const notice of tokenizer.notices) log.warn(`tokenizer: ${notice}`);
    const { convertText } = await import('../text/convert.js');
    const conversion: Conversion = {
      direction: args.detokenize ? 'detokenize' : 'tokenize',
      as: args.ids ? 'ids' : 'tokens',
    };
    const warnings = new LineWarnings(log);
    for (const file of files.length === 0 ? ['-'] : files) {
      const input = file === '-' ? process.stdin : file;
      for await (const part of convertText(input, tokenizer, conversion, warnings.of(file))) {
        await writeOutput(part);
      }
    }
    warnings.finish();
  },
};

async function findTokenizer(args: TokenizeArguments): Promise<Tokenizer> {
  const config = await configIfGiven(args);
  const { loadTokenizer, loadTokenizers } = await import('../text/load.js');
  if (args.tokenizer !== undefined) return loadTokenizer(args.tokenizer);
  if (config !== undefined) {
    const { tokenizer, runDirectory } = config;
    return loadTokenizers(tokenizer.directory ?? runDirectory, tokenizer.shared)[args.side];
  }
  const { findRunIfAny } = await import('./find-run.js');
  const run = await findRunIfAny(args.model, undefined);
  if (run === undefined) {
    throw new UsageError('no-tokenizer', 'No tokenizer was given.', {
      hint: 'Name a file (--tokenizer), a run directory (--model or S2S_MODEL) or a configuration (--config).',
    });
  }
  return loadTokenizers(run, await isShared(run))[args.side];
}

/** Whether a run shares one tokenizer; undefined if the directory is not a run directory. */
async function isShared(run: string): Promise<boolean | undefined> {
  const { CONFIG_FILE, readResolvedConfig } = await import('../config/save.js');
  return existsSync(join(run, CONFIG_FILE)) ? readResolvedConfig(run).tokenizer.shared : undefined;
}
