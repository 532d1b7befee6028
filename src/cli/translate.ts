import type { Argv, CommandModule } from 'yargs';
import { UsageError } from '../errors.js';
import { checkInputs } from './inputs.js';
import { Log, type LogLevel } from './log.js';
import { findModel, withModelOptions, type FoundModel, type ModelArguments } from './model-options.js';
import { withCommonOptions } from './options.js';
import { OUTPUT_FORMATS, type OutputFormat } from './translation-output.js';

/** Most lines translated before their output is written; sorting by length wants many, someone waiting wants few. */
const MAX_BLOCK_LINES = 2000;

interface TranslateArguments extends ModelArguments {
  /** The command and the files. */
  readonly _: readonly string[];
  readonly nBest: number | undefined;
  readonly scores: boolean;
  readonly format: OutputFormat;
}

/** `s2s translate`: a filter from source lines to translated lines. */
export const translateCommand: CommandModule<object, TranslateArguments> = {
  command: 'translate',
  describe: 'Translate lines from files or stdin to stdout, one line out for every line in',
  builder: (yargs) =>
    withModelOptions(withCommonOptions(yargs))
      .usage(
        '$0 translate [FILE..]\n\nTranslate lines from files or stdin to stdout, one line out for every line in.\n\nFILE is text, one sentence a line, plain or gzipped; - or none is stdin.',
      )
      // yargs loses a lone - among declared positional arguments, so the files are left undeclared.
      .strict(false)
      .strictOptions()
      .string('_')
      .option('n-best', {
        alias: 'n',
        type: 'number',
        requiresArg: true,
        describe: 'Print this many translations of each line, best first',
      })
      .option('scores', {
        type: 'boolean',
        default: false,
        describe: 'Print the score of each translation after a tab',
      })
      .option('format', {
        alias: 'f',
        choices: OUTPUT_FORMATS,
        default: 'text' as OutputFormat,
        requiresArg: true,
        describe:
          'text: translations; tsv: source, translation, with --n-best after the number of the line; jsonl: an object a line, with scores',
      })
      // A filter is silent unless something is wrong.
      .default('log-level', 'warn' as LogLevel)
      .example('$0 translate < input.txt > output.txt', 'with the last model trained here')
      .example('echo "Guten Morgen." | $0 translate --model runs/multi30k', 'with a certain model')
      .example('$0 translate --n-best 5 --format jsonl input.txt', 'five translations a line, as JSON')
      .example('$0 translate --beam-size 1 --set decoding.maxLengthRatio=1.5 input.txt', 'greedy search, shorter limit')
      .epilogue(
        'Blank lines pass through; a line above 1 MiB gives an empty line and a warning. --n-best prints "number ||| translation ||| score" in text format, numbered from 0. A score is the ' +
          'log-probability divided by the length to the power of decoding.lengthPenalty. <unk> is never printed: decoding.copyUnknown=true copies unknown words from the source.',
      ) as unknown as Argv<TranslateArguments>,
  handler: async (args) => {
    const files = args._.slice(1);
    await checkInputs(files);
    const model = await findModel(args, { readsData: false });
    const { config } = model;
    const { nBest } = args;
    if (nBest !== undefined && !(Number.isInteger(nBest) && nBest >= 1 && nBest <= config.decoding.beamSize)) {
      throw new UsageError(
        'n-best-beyond-beam',
        `--n-best must be a whole number from 1 to the beam size (${config.decoding.beamSize}), but is ${nBest}.`,
        { hint: 'Give a larger --beam-size too.' },
      );
    }
    await translate(args, files, model);
  },
};

async function translate(
  args: TranslateArguments,
  files: readonly string[],
  { config, runDirectory, which }: FoundModel,
): Promise<void> {
  const log = new Log(args.logLevel);
  const { waitingLines } = await import('../translation/waiting-lines.js');
  const blocks = waitingLines(readAll(files, log), MAX_BLOCK_LINES);
  if (readsTerminal(files)) process.stderr.write('Type sentences, one a line; Ctrl-D ends.\n');

  const { loadTensorFlow } = await import('../runtime/tensorflow.js');
  await loadTensorFlow({ device: config.device, tuneAllocator: true });
  const { loadRun } = await import('../translation/load-run.js');
  const run = await loadRun(runDirectory, which);
  const { model, tokenizers, checkpoint } = run;
  log.info(`model: ${runDirectory}, step ${checkpoint.state.step}`);

  const { translateLines, MAX_SOURCE_TOKENS } = await import('../decoding/translate-lines.js');
  const { translateStream } = await import('./translate-stream.js');
  const started = performance.now();
  const lines = await translateStream({
    blocks,
    translate: (block, firstIndex) =>
      translateLines(block, {
        model,
        tokenizers,
        options: { ...config.decoding, nBest: args.nBest ?? 1 },
        onCut: (index, tokens) =>
          log.warn(
            `line ${firstIndex + index + 1} has ${tokens} tokens; only the first ${MAX_SOURCE_TOKENS} are translated`,
          ),
      }),
    output: { format: args.format, nBest: args.nBest, scores: args.scores },
    write: (text) =>
      new Promise((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve()))),
  }).finally(() => run.close());
  const seconds = (performance.now() - started) / 1000;
  log.info(
    `${lines} lines in ${seconds.toFixed(1)} s (${(lines / seconds).toFixed(1)} a second), beam ${config.decoding.beamSize}`,
  );
}

async function* readAll(files: readonly string[], log: Log): AsyncGenerator<string[]> {
  const { describeSkippedLine, readLineBlocks } = await import('../text/lines.js');
  for (const file of files.length === 0 ? ['-'] : files) {
    yield* readLineBlocks(file === '-' ? process.stdin : file, {
      onSkipped: (line) => log.warn(describeSkippedLine(file, line)),
    });
  }
}

function readsTerminal(files: readonly string[]): boolean {
  return process.stdin.isTTY && (files.length === 0 || files.includes('-'));
}
