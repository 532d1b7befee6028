import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import { UsageError } from '../errors.js';
import type { Conversion } from '../text/convert.js';
import type { Tokenizer } from '../text/tokenizer.js';
import { checkInputs } from './inputs.js';
import { Log } from './log.js';
import { configIfGiven, withCommonOptions, type CommonArguments } from './options.js';

interface TokenizeArguments extends CommonArguments {
  readonly side: 'source' | 'target';
  readonly tokenizer: string | undefined;
  readonly model: string | undefined;
  readonly detokenize: boolean;
  readonly ids: boolean;
}

/** `s2s tokenize`: text to tokens and back, line by line. */
export const tokenizeCommand: CommandModule<object, TokenizeArguments> = {
  command: 'tokenize',
  describe: 'Cut text into the tokens of a vocabulary, or put tokens together again',
  builder: (yargs) =>
    withCommonOptions(yargs)
      .usage(
        '$0 tokenize [FILE..]\n\nCut text into the tokens of a vocabulary, or put tokens together again.\n\nFILE is text, one sentence a line, plain or gzipped; - or none is stdin.',
      )
      // yargs loses a lone - among declared positional arguments, so the files are left undeclared.
      .strict(false)
      .strictOptions()
      .string('_')
      .option('side', {
        choices: ['source', 'target'] as const,
        default: 'source' as const,
        requiresArg: true,
        describe: 'Whose tokenizer, where the sides have their own',
      })
      .option('tokenizer', { type: 'string', requiresArg: true, describe: 'A tokenizer.json file' })
      .option('model', {
        alias: 'm',
        type: 'string',
        requiresArg: true,
        describe:
          'A run directory whose tokenizer to use; else that of --config, else $S2S_MODEL, else the last run trained here',
      })
      .option('detokenize', { alias: 'd', type: 'boolean', default: false, describe: 'Tokens in, text out' })
      .option('ids', { type: 'boolean', default: false, describe: 'Token ids in place of strings' })
      .conflicts('tokenizer', ['model', 'config'])
      .conflicts('model', 'config')
      .example('$0 tokenize --config c.yaml train.de.gz | head', 'see how the source text is cut')
      .example('$0 tokenize --model runs/de-en --side target < text', 'with the tokenizer of a trained model')
      .example('$0 tokenize < text | $0 tokenize --detokenize', 'there and back'),
  handler: async (args) => {
    const files = args._.slice(1).map(String);
    await checkInputs(files);
    const log = new Log(args.logLevel);
    const tokenizer = await findTokenizer(args);
    for (const notice of tokenizer.notices) log.warn(`the tokenizer: ${notice}`);
    const { convertText } = await import('../text/convert.js');
    const { describeSkippedLine } = await import('../text/lines.js');
    const conversion: Conversion = {
      direction: args.detokenize ? 'detokenize' : 'tokenize',
      as: args.ids ? 'ids' : 'tokens',
    };
    for (const file of files.length === 0 ? ['-'] : files) {
      const input = file === '-' ? process.stdin : file;
      const onSkipped = (line: number): void => log.warn(describeSkippedLine(file, line));
      for await (const part of convertText(input, tokenizer, conversion, onSkipped)) {
        if (!process.stdout.write(part)) await once(process.stdout, 'drain');
      }
    }
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
    throw new UsageError('no-tokenizer', 'No tokenizer was named.', {
      hint: 'Name a file (--tokenizer), a run directory (--model or S2S_MODEL) or a configuration (--config).',
    });
  }
  return loadTokenizers(run, await isShared(run))[args.side];
}

/** Whether a run has one tokenizer for both sides; undefined for a folder that is no run directory. */
async function isShared(run: string): Promise<boolean | undefined> {
  const { CONFIG_FILE, readResolvedConfig } = await import('../config/save.js');
  return existsSync(join(run, CONFIG_FILE)) ? readResolvedConfig(run).tokenizer.shared : undefined;
}
