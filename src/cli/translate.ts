import type { Argv, CommandModule } from 'yargs';
import type { Translation } from '../decoding/translate-lines.js';
import { UsageError } from '../errors.js';
import { plural } from '../plural.js';
import type { LoadedRun } from '../translation/load-run.js';
import type { AttentionFile } from './attention-file.js';
import { checkReadable, checkWritable } from './files.js';
import { exitCodeOf, interruption, type StopSignal } from './interruption.js';
import { LineWarnings } from './line-warnings.js';
import { Log, type LogLevel } from './log.js';
import { findModel, withModelOptions, type FoundModel, type ModelArguments } from './model-options.js';
import { FILES_ARGUMENT, withCommonOptions } from './options.js';
import { writeOutput } from './output.js';
import { OUTPUT_FORMATS, type OutputFormat } from './translation-output.js';

/** Maximum lines per block: long blocks are batched better by length, short blocks are answered sooner. */
const MAX_BLOCK_LINES = 2000;

interface TranslateArguments extends ModelArguments {
  readonly files: readonly string[] | undefined;
  readonly nBest: number | undefined;
  readonly scores: boolean;
  readonly format: OutputFormat;
  readonly saveAttention: string | undefined;
}

export const translateCommand: CommandModule<object, TranslateArguments> = {
  command: 'translate [files..]',
  describe: 'Translate files or stdin to stdout, one output line per input line',
  builder: (yargs) =>
    withModelOptions(withCommonOptions(yargs))
      .positional('files', FILES_ARGUMENT)
      .option('n-best', {
        alias: 'n',
        type: 'number',
        requiresArg: true,
        describe: 'Number of translations per line, best first',
      })
      .option('scores', {
        type: 'boolean',
        default: false,
        describe: 'Print the score after each translation, separated by a tab',
      })
      .option('format', {
        alias: 'f',
        choices: OUTPUT_FORMATS,
        default: 'text' as OutputFormat,
        requiresArg: true,
        describe:
          'text: translations; tsv: source and translation, after the line number with --n-best; ' +
          'jsonl: one object per line, with scores',
      })
      .option('save-attention', {
        type: 'string',
        requiresArg: true,
        describe: 'Write the attention weights of the best translations to a file, one JSON object per line',
      })
      .default('log-level', 'warn' as LogLevel)
      .example('$0 translate < input.txt > output.txt', 'with the last model trained in this directory')
      .example('echo "Guten Morgen." | $0 translate --model runs/multi30k', 'with a given model')
      .example('$0 translate --n-best 5 --format jsonl input.txt', 'five translations per line, as JSON')
      .example('$0 translate --save-attention attention.jsonl < input.txt', 'with the attention weights in a file')
      .example(
        '$0 translate --beam-size 1 --set decoding.maxLengthRatio=1.5 input.txt',
        'greedy search and a lower length limit',
      )
      .epilogue(
        'Blank lines and lines of invisible characters are copied, without carriage returns; lines longer than 1 MiB ' +
          'give an empty line, and bytes that are not valid UTF-8 are read as U+FFFD, with a warning. In text format, ' +
          '--n-best prints "number ||| translation ||| score", numbered from 0. The score is the log-probability ' +
          'divided by the length to the power of decoding.lengthPenalty. <unk> is never generated unless ' +
          'decoding.copyUnknown is true, which replaces it with a source word. docs/attention.md explains ' +
          '--save-attention.',
      ) as unknown as Argv<TranslateArguments>,
  handler: async (args) => {
    const { files = [] } = args;
    await checkReadable(files);
    await checkAttentionFile(args, files);
    const model = await findModel(args, { readsData: false });
    const { config } = model;
    const { nBest } = args;
    if (nBest !== undefined && !(Number.isInteger(nBest) && nBest >= 1 && nBest <= config.decoding.beamSize)) {
      throw new UsageError(
        'n-best-beyond-beam',
        `--n-best must be an integer from 1 to the beam size (${config.decoding.beamSize}), but is ${nBest}.`,
        { hint: 'Increase --beam-size, too.' },
      );
    }
    await translate(args, files, model);
  },
};

async function checkAttentionFile(
  { saveAttention: file, config }: TranslateArguments,
  inputs: readonly string[],
): Promise<void> {
  if (file === undefined) return;
  if (file === '-')
    throw new UsageError('usage', '--save-attention must name a file: stdout has the translations.', {
      hint: 'For example: --save-attention attention.jsonl',
    });
  const output = { file, option: '--save-attention', content: 'the attention weights' };
  await checkWritable(output, config === undefined ? inputs : [...inputs, config]);
}

async function openAttention(file: string, run: LoadedRun): Promise<AttentionFile> {
  const { openAttentionFile } = await import('./attention-file.js');
  return openAttentionFile(file, run);
}

async function translate(
  args: TranslateArguments,
  files: readonly string[],
  { config, runDirectory, which }: FoundModel,
): Promise<void> {
  const log = new Log(args.logLevel);
  const { bufferLines } = await import('../translation/buffered-lines.js');
  const warnings = new LineWarnings(log);
  const blocks = bufferLines(readAll(files, warnings), MAX_BLOCK_LINES);
  if (readsTerminal(files)) process.stderr.write('Type one sentence per line; Ctrl-D ends the input.\n');

  const { loadTensorFlow } = await import('../runtime/tensorflow.js');
  await loadTensorFlow({ device: config.device, tuneAllocator: true });
  const { loadRun } = await import('../translation/load-run.js');
  const run = await loadRun(runDirectory, which);
  const { model, tokenizers, checkpoint } = run;
  log.info(`model: ${runDirectory}, step ${checkpoint.state.step}`);

  const { translateLines, MAX_SOURCE_TOKENS } = await import('../decoding/translate-lines.js');
  const { translateStream } = await import('./translate-stream.js');
  const attention = args.saveAttention === undefined ? undefined : await openAttention(args.saveAttention, run);
  const write = async (text: string, translations: readonly Translation[], firstIndex: number): Promise<void> => {
    // The translations come first, so that a full disk for the weights does not lose them.
    await writeOutput(text);
    await attention?.write(translations, firstIndex);
  };
  const started = performance.now();
  // Stops after a write, so that the last line is complete, and its weights with it; the block that is being translated
  // is not written.
  let writing = Promise.resolve();
  const stop = interruption(() => {
    void writing.finally(() => process.exit(exitCodeOf(stop.signal.reason as StopSignal)));
  });
  const lines = await translateStream({
    blocks,
    translate: (block, firstIndex) =>
      translateLines(block, {
        model,
        tokenizers,
        options: { ...config.decoding, nBest: args.nBest ?? 1 },
        onTruncated: (index, tokens) =>
          log.warn(`line ${firstIndex + index + 1} has ${tokens} tokens and was truncated to ${MAX_SOURCE_TOKENS}`),
      }),
    output: { format: args.format, nBest: args.nBest, scores: args.scores },
    write: (...output) => (writing = write(...output)),
  }).finally(async () => {
    stop.close();
    run.close();
    await attention?.close();
    warnings.finish();
  });
  const seconds = (performance.now() - started) / 1000;
  const rate = `${(lines / seconds).toFixed(1)} lines per second`;
  log.info(`${plural(lines, 'line')} in ${seconds.toFixed(1)} s (${rate}), beam size ${config.decoding.beamSize}`);
}

async function* readAll(files: readonly string[], warnings: LineWarnings): AsyncGenerator<string[]> {
  const { readLineBlocks } = await import('../text/lines.js');
  for (const file of files.length === 0 ? ['-'] : files) {
    yield* readLineBlocks(file === '-' ? process.stdin : file, warnings.of(file));
  }
}

function readsTerminal(files: readonly string[]): boolean {
  return process.stdin.isTTY && (files.length === 0 || files.includes('-'));
}
