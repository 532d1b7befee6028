import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import type { BatchShape } from '../benchmark/models.js';
import type { Config, ModelConfig } from '../config/schema.js';
import { UsageError } from '../errors.js';
import type { Precision } from '../runtime/policy.js';
import { configIfGiven, withCommonOptions, withDeviceOption, type CommonArguments } from './options.js';

interface BenchArguments extends CommonArguments {
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
}

/** `s2s bench`: how fast this machine trains and translates, on synthetic data. */
export const benchCommand: CommandModule<object, BenchArguments> = {
  command: 'bench',
  describe: 'Measure how fast this machine trains and translates, on synthetic data',
  builder: (yargs) =>
    withDeviceOption(withCommonOptions(yargs), '; cpu,gpu for one after the other')
      .option('model', {
        alias: 'm',
        type: 'string',
        defaultDescription: 'lstm, or that of --config',
        requiresArg: true,
        describe: 'What to measure: lstm or lstm-deep',
      })
      .option('dtype', {
        choices: ['float32', 'bfloat16', 'float16'],
        defaultDescription: 'float32, or precision of --config',
        requiresArg: true,
        describe: 'Number format of the large matrix products; float16 is for GPUs',
      })
      .option('steps', {
        type: 'number',
        defaultDescription: '10, or 3 with --decode',
        requiresArg: true,
        describe: 'Training steps timed, or passes over the sentences; the median counts',
      })
      .option('warmup', {
        type: 'number',
        defaultDescription: '3, or 1 with --decode',
        requiresArg: true,
        describe: 'Steps or passes before those timed',
      })
      .option('batch', {
        type: 'number',
        defaultDescription: '64, or what fills a batch of --config',
        requiresArg: true,
        describe: 'Sentence pairs of a training step, each of 25 tokens a side',
      })
      .option('decode', { type: 'boolean', default: false, describe: 'Translate instead of training' })
      .option('beam-size', {
        alias: 'b',
        type: 'number',
        defaultDescription: '1, or that of --config',
        requiresArg: true,
        describe: 'Hypotheses kept a step; 1 is greedy',
      })
      .option('sentences', {
        type: 'number',
        defaultDescription: '512',
        requiresArg: true,
        describe: 'Sentences translated, of 5 to 30 tokens',
      })
      .option('source', {
        type: 'string',
        requiresArg: true,
        describe: 'Translate sentences as long as those of this file instead, in tokens as s2s tokenize writes them',
      })
      .example('$0 bench', 'training steps of one bidirectional layer')
      .example('$0 bench --model lstm-deep --dtype bfloat16 --device cpu', 'two layers, in bfloat16, on the processor')
      .example('$0 bench --decode --beam-size 5', 'translation by beam search')
      .example('$0 bench --decode --source dev.tokens', 'sentences as long as those of a text of your own')
      .example('$0 bench --device cpu,gpu', 'the processor and the GPU, one after the other')
      .example('$0 bench --config c.yaml', 'the model that c.yaml describes, before any training')
      .epilogue(
        'Prints one line of JSON for each device; bench/compare.mjs in the source repository compares with PyTorch on the same work.',
      ) as unknown as Argv<BenchArguments>,
  handler: async (args) => {
    const { decode } = args;
    checkKind(args);
    const devices = await devicesOf(args);
    const counts = {
      steps: wholeNumber('--steps', args.steps ?? (decode ? 3 : 10), 1),
      warmup: wholeNumber('--warmup', args.warmup ?? (decode ? 1 : 3), 0),
    };
    const work = await workOf(args);
    const batch = wholeNumber('--batch', args.batch ?? work.shape.batch, 1);
    const beamSize = wholeNumber('--beam-size', args.beamSize ?? work.settings?.decoding.beamSize ?? 1, 1);
    const lengths = decode ? await lengthsOf(args) : [];
    const { name, config, shape } = work;
    const common = {
      name,
      config,
      seed: wholeNumber('--seed', args.seed ?? work.settings?.seed ?? 1, 0),
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
    process.stdout.write(`${JSON.stringify(report)}\n`);
  },
};

/** What is measured: a standard model, or the one that a configuration describes. */
interface Work {
  readonly name: string;
  readonly config: ModelConfig;
  readonly shape: BatchShape;
  readonly settings: Config | undefined;
}

async function workOf(args: BenchArguments): Promise<Work> {
  const { benchmarkModel, STANDARD_SHAPE } = await import('../benchmark/models.js');
  const settings = await configIfGiven(args);
  if (settings === undefined || args.config === undefined) {
    const name = args.model ?? 'lstm';
    return { name, config: benchmarkModel(name), shape: STANDARD_SHAPE, settings: undefined };
  }
  if (args.model !== undefined)
    throw new UsageError('usage', '--model and --config both say what to measure.', { hint: 'Leave one of them out.' });
  const { tokenizer, training } = settings;
  const batch =
    training.batch.unit === 'sentences'
      ? training.batch.size
      : Math.max(1, Math.round(training.batch.size / STANDARD_SHAPE.targetTime));
  return {
    name: basename(args.config),
    config: settings.model,
    shape: {
      ...STANDARD_SHAPE,
      batch,
      sourceVocabulary: tokenizer.source?.size ?? tokenizer.size,
      targetVocabulary: tokenizer.target?.size ?? tokenizer.size,
    },
    settings,
  };
}

async function lengthsOf({ sentences, source }: BenchArguments): Promise<number[]> {
  const { lengthsIn, sentenceLengths } = await import('../benchmark/decoding.js');
  if (source !== undefined) return lengthsIn(source);
  return sentenceLengths(wholeNumber('--sentences', sentences ?? 512, 1));
}

/** The devices of the command line, one or several with commas between them; none where it names none. */
async function devicesOf({ device }: BenchArguments): Promise<string[]> {
  if (device === undefined) return [];
  const { configSchema } = await import('../config/schema.js');
  const devices = device.split(',').map((name) => name.trim());
  const wrong = devices.find((name) => !configSchema.shape.device.safeParse(name).success);
  if (wrong === undefined) return devices;
  throw new UsageError(
    'usage',
    `--device must be auto, cpu, gpu or gpu:N, or several of them with commas between, but is ${JSON.stringify(device)}.`,
  );
}

/** Each device in a process of its own: TensorFlow is loaded for one. */
async function measureEach(devices: readonly string[]): Promise<void> {
  const [, program, ...words] = process.argv;
  for (const device of devices) {
    // Of an option given twice, the last counts.
    const child = spawn(process.execPath, [...process.execArgv, program!, ...words, '--device', device], {
      stdio: 'inherit',
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) process.exitCode ??= code ?? 1;
  }
}

/** Refuses options of the one measurement with the other, where they would change nothing. */
function checkKind({ decode, batch, beamSize, sentences, source }: BenchArguments): void {
  if (decode && batch !== undefined)
    throw new UsageError('usage', '--batch is for training steps, not for --decode.', {
      hint: 'With --decode, --sentences says how many are translated.',
    });
  if (sentences !== undefined && source !== undefined)
    throw new UsageError('usage', '--sentences and --source both say what to translate.', {
      hint: 'Leave one of them out.',
    });
  if (decode) return;
  for (const [option, value] of Object.entries({
    '--beam-size': beamSize,
    '--sentences': sentences,
    '--source': source,
  })) {
    if (value !== undefined)
      throw new UsageError('usage', `${option} is for translating, not for training steps.`, { hint: 'Add --decode.' });
  }
}

function wholeNumber(option: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new UsageError('usage', `${option} must be a whole number of at least ${least}, but is ${value}.`);
}
