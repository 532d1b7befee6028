import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import type { BatchShape } from '../benchmark/models.js';
import type { ReportHead } from '../benchmark/report.js';
import type { Config, ModelConfig } from '../config/schema.js';
import { UsageError } from '../errors.js';
import type { Precision } from '../runtime/policy.js';
import { configIfGiven, withCommonOptions, withDeviceOption, type CommonArguments } from './options.js';
import { writeOutput } from './output.js';

export interface BenchArguments extends CommonArguments {
  readonly device: string | undefined;
  readonly model: string | undefined;
  readonly dtype: Precision | undefined;
  readonly steps: number | undefined;
  readonly warmup: number | undefined;
  readonly batch: number | undefined;
  readonly decode: boolean;
  readonly beamSize: number | undefined;
  readonly sentences: number | undefined;
  readonly source: string | undefined;
  readonly output: string | undefined;
}

export const benchCommand: CommandModule<object, BenchArguments> = {
  command: 'bench',
  describe: 'Measure the speed of training and translation',
  builder: (yargs) =>
    withDeviceOption(withCommonOptions(yargs), '; cpu,gpu measures both')
      .option('model', {
        alias: 'm',
        type: 'string',
        defaultDescription: 'lstm, or that of --config',
        requiresArg: true,
        describe: 'lstm, lstm-deep or transformer, untrained; with --decode also the run directory of a trained model',
      })
      .option('dtype', {
        choices: ['float32', 'bfloat16', 'float16'],
        defaultDescription: 'float32, or precision of --config',
        requiresArg: true,
        describe: 'Data type of large matrix products; float16 requires a GPU',
      })
      .option('steps', {
        type: 'number',
        defaultDescription: '10, or 3 with --decode',
        requiresArg: true,
        describe: 'Timed training steps, or passes over the sentences; the median is reported',
      })
      .option('warmup', {
        type: 'number',
        defaultDescription: '3, or 1 with --decode',
        requiresArg: true,
        describe: 'Warm-up steps or passes',
      })
      .option('batch', {
        type: 'number',
        defaultDescription: '64, or the batch size of --config',
        requiresArg: true,
        describe: 'Sentence pairs per training step, with 25 tokens per side',
      })
      .option('decode', { type: 'boolean', default: false, describe: 'Translate instead of training' })
      .option('beam-size', {
        alias: 'b',
        type: 'number',
        defaultDescription: '1, or that of --config',
        requiresArg: true,
        describe: 'Beam size; 1 is greedy search',
      })
      .option('sentences', {
        type: 'number',
        defaultDescription: '512',
        requiresArg: true,
        describe: 'Number of sentences to translate, of 5 to 30 tokens',
      })
      .option('source', {
        type: 'string',
        requiresArg: true,
        describe:
          'Use the sentence lengths of this file, whose tokens are separated by spaces as by s2s tokenize; a trained ' +
          'model translates it',
      })
      .option('output', {
        alias: 'o',
        type: 'string',
        requiresArg: true,
        describe: 'With a trained model: write the best hypotheses to this file, tokenized',
      })
      .example('$0 bench', 'training steps of a model with one layer')
      .example('$0 bench --model lstm-deep --dtype bfloat16 --device cpu', 'two layers, in bfloat16, on the CPU')
      .example('$0 bench --decode --beam-size 5', 'translation by beam search')
      .example('$0 bench --decode --source dev.tokens', 'with the sentence lengths of a file')
      .example('$0 bench --decode --model runs/de-en --source dev.tokens', 'translation with a trained model')
      .example('$0 bench --device cpu,gpu', 'first the CPU, then the GPU')
      .example('$0 bench --config c.yaml', 'the model of c.yaml, untrained')
      .epilogue(
        'Prints one line of JSON per device. bench/compare.mjs in the source repository compares with other programs.',
      ) as unknown as Argv<BenchArguments>,
  handler: async (args) => {
    const { decode } = args;
    const { namesRun, timeTrainedRun } = await import('./bench-trained.js');
    const isTrained = namesRun(args.model);
    checkCombination(args, isTrained);
    const devices = await devicesOf(args);
    const counts = {
      steps: integerOption('--steps', args.steps ?? (decode ? 3 : 10), 1),
      warmup: integerOption('--warmup', args.warmup ?? (decode ? 1 : 3), 0),
    };
    if (isTrained) {
      const beamSize = integerOption('--beam-size', args.beamSize ?? 1, 1);
      if (devices.length > 1) await measureEach(devices);
      else await writeReport(await timeTrainedRun(args, { ...counts, beamSize }));
      return;
    }
    const work = await workloadOf(args);
    const batch = integerOption('--batch', args.batch ?? work.shape.batch, 1);
    const beamSize = integerOption('--beam-size', args.beamSize ?? work.settings?.decoding.beamSize ?? 1, 1);
    const lengths = decode ? await lengthsOf(args) : [];
    const { name, config, shape } = work;
    const common = {
      name,
      config,
      seed: integerOption('--seed', args.seed ?? work.settings?.seed ?? 1, 0),
      device: devices[0] ?? work.settings?.device ?? 'auto',
      ...counts,
    };
    if (devices.length > 1) {
      await measureEach(devices);
      return;
    }
    const { loadTensorFlow, policyFor } = await import('../runtime/tensorflow.js');
    await loadTensorFlow({ device: common.device, tuneAllocator: true });
    const policy = policyFor(args.dtype ?? work.settings?.precision ?? 'float32');
    const report = decode
      ? await (
          await import('../benchmark/decoding.js')
        ).timeDecoding({
          ...common,
          policy,
          sourceVocabulary: shape.sourceVocabulary,
          targetVocabulary: shape.targetVocabulary,
          beamSize,
          lengths,
        })
      : await (
          await import('../benchmark/training-step.js')
        ).timeTraining({ ...common, policy, shape: { ...shape, batch } });
    await writeReport(report);
  },
};

async function writeReport(report: ReportHead): Promise<void> {
  await writeOutput(`${JSON.stringify(report)}\n`);
}

/** The measured model: a default model or that of a configuration. */
interface Workload {
  readonly name: string;
  readonly config: ModelConfig;
  readonly shape: BatchShape;
  readonly settings: Config | undefined;
}

async function workloadOf(args: BenchArguments): Promise<Workload> {
  const { ASSUMED_FACTS, resolveConfig } = await import('../auto/resolve.js');
  const { benchmarkModel, DEFAULT_SHAPE } = await import('../benchmark/models.js');
  const given = await configIfGiven(args);
  // Without reading the text, `auto` has the values for 100,000 pairs.
  const settings = given && resolveConfig(given, ASSUMED_FACTS, 'cpu').config;
  if (settings === undefined || args.config === undefined) {
    const name = args.model ?? 'lstm';
    return { name, config: benchmarkModel(name), shape: DEFAULT_SHAPE, settings: undefined };
  }
  if (args.model !== undefined)
    throw new UsageError('usage', '--model and --config cannot be combined.', { hint: 'Remove one of them.' });
  const { tokenizer, training } = settings;
  const batch =
    training.batch.unit === 'sentences'
      ? training.batch.size
      : Math.max(1, Math.round(training.batch.size / DEFAULT_SHAPE.targetTime));
  return {
    name: basename(args.config),
    config: settings.model,
    shape: {
      ...DEFAULT_SHAPE,
      batch,
      sourceVocabulary: tokenizer.source?.size ?? tokenizer.size,
      targetVocabulary: tokenizer.target?.size ?? tokenizer.size,
    },
    settings,
  };
}

async function lengthsOf({ sentences, source }: BenchArguments): Promise<number[]> {
  const { readSentenceLengths, syntheticLengths } = await import('../benchmark/sentences.js');
  if (source !== undefined) return readSentenceLengths(source);
  return syntheticLengths(integerOption('--sentences', sentences ?? 512, 1));
}

/** The comma-separated devices of --device; empty without it. */
async function devicesOf({ device }: BenchArguments): Promise<string[]> {
  if (device === undefined) return [];
  const { configSchema } = await import('../config/schema.js');
  const devices = device.split(',').map((name) => name.trim());
  const invalid = devices.find((name) => !configSchema.shape.device.safeParse(name).success);
  if (invalid === undefined) return devices;
  throw new UsageError(
    'usage',
    `--device must be auto, cpu, gpu or gpu:N, or a comma-separated list of them, but is ${JSON.stringify(device)}.`,
  );
}

/** Measures each device in a separate process, since TensorFlow is loaded for one device. */
async function measureEach(devices: readonly string[]): Promise<void> {
  const [, program, ...words] = process.argv;
  for (const device of devices) {
    // The last --device takes effect.
    const child = spawn(process.execPath, [...process.execArgv, program!, ...words, '--device', device], {
      stdio: 'inherit',
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) process.exitCode ??= code ?? 1;
  }
}

/** Rejects options that would have no effect. */
function checkCombination(
  { config, decode, batch, beamSize, sentences, source, model, output }: BenchArguments,
  isTrained: boolean,
): void {
  if (decode && batch !== undefined)
    throw new UsageError('usage', '--batch cannot be combined with --decode.', {
      hint: 'With --decode, --sentences sets the number of sentences.',
    });
  if (sentences !== undefined && source !== undefined)
    throw new UsageError('usage', '--sentences and --source cannot be combined.', {
      hint: 'Remove one of them.',
    });
  if (isTrained && config !== undefined)
    throw new UsageError('usage', '--model and --config cannot be combined.', { hint: 'Remove one of them.' });
  if (isTrained && !(decode && source !== undefined))
    throw new UsageError('usage', `--model ${model} is a trained model, which requires --decode and --source.`, {
      hint: 'Pass the text to translate, tokenized by s2s tokenize: --decode --source FILE.',
    });
  if (!isTrained && output !== undefined)
    throw new UsageError('usage', '--output requires a trained model.', {
      hint: 'Name its run directory: --decode --model DIR.',
    });
  if (decode) return;
  for (const [option, value] of Object.entries({
    '--beam-size': beamSize,
    '--sentences': sentences,
    '--source': source,
  })) {
    if (value !== undefined) throw new UsageError('usage', `${option} requires --decode.`, { hint: 'Add --decode.' });
  }
}

function integerOption(option: string, value: number, minimum: number): number {
  if (Number.isInteger(value) && value >= minimum) return value;
  throw new UsageError('usage', `${option} must be an integer of at least ${minimum}, but is ${value}.`);
}
