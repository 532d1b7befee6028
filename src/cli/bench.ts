import type { Argv, CommandModule } from 'yargs';
import { UsageError } from '../errors.js';
import type { Precision } from '../runtime/tensorflow.js';
import { withCommonOptions, withDeviceOption, type CommonArguments } from './options.js';

interface BenchArguments extends CommonArguments {
  readonly device: string | undefined;
  readonly model: string;
  readonly dtype: Precision;
  readonly steps: number | undefined;
  readonly warmup: number | undefined;
  readonly batch: number | undefined;
  readonly decode: boolean;
  readonly beamSize: number | undefined;
  readonly sentences: number | undefined;
}

/** `s2s bench`: how fast this machine trains and translates, on synthetic data. */
export const benchCommand: CommandModule<object, BenchArguments> = {
  command: 'bench',
  describe: 'Measure how fast this machine trains and translates, on synthetic data',
  builder: (yargs) =>
    withDeviceOption(withCommonOptions(yargs))
      .option('model', { alias: 'm', type: 'string', default: 'lstm', requiresArg: true, describe: 'What to measure: lstm or lstm-deep' })
      .option('dtype', { choices: ['float32', 'bfloat16', 'float16'], default: 'float32', requiresArg: true, describe: 'Number format of the large matrix products; float16 is for GPUs' })
      .option('steps', { type: 'number', defaultDescription: '10, or 3 with --decode', requiresArg: true, describe: 'Training steps timed, or passes over the sentences; the median counts' })
      .option('warmup', { type: 'number', defaultDescription: '3, or 1 with --decode', requiresArg: true, describe: 'Steps or passes before those timed' })
      .option('batch', { type: 'number', defaultDescription: '64', requiresArg: true, describe: 'Sentence pairs of a training step, each of 25 tokens a side' })
      .option('decode', { type: 'boolean', default: false, describe: 'Translate instead of training' })
      .option('beam-size', { alias: 'b', type: 'number', defaultDescription: '1', requiresArg: true, describe: 'Hypotheses kept a step; 1 is greedy' })
      .option('sentences', { type: 'number', defaultDescription: '512', requiresArg: true, describe: 'Sentences translated, of 5 to 30 tokens' })
      .example('$0 bench', 'training steps of one bidirectional layer')
      .example('$0 bench --model lstm-deep --dtype bfloat16 --device cpu', 'two layers, in bfloat16, on the processor')
      .example('$0 bench --decode --beam-size 5', 'translation by beam search')
      .epilogue('Prints one line of JSON; bench/compare.mjs in the source repository compares with PyTorch on the same work.') as unknown as Argv<BenchArguments>,
  handler: async (args) => {
    const { decode } = args;
    checkKind(args);
    const counts = {
      steps: wholeNumber('--steps', args.steps ?? (decode ? 3 : 10), 1),
      warmup: wholeNumber('--warmup', args.warmup ?? (decode ? 1 : 3), 0),
    };
    const batch = wholeNumber('--batch', args.batch ?? 64, 1);
    const beamSize = wholeNumber('--beam-size', args.beamSize ?? 1, 1);
    const sentences = wholeNumber('--sentences', args.sentences ?? 512, 1);
    const { benchmarkModel, STANDARD_SHAPE } = await import('../benchmark/models.js');
    const common = { name: args.model, config: benchmarkModel(args.model), seed: wholeNumber('--seed', args.seed ?? 1, 0), device: args.device ?? 'auto', ...counts };
    const { loadTensorFlow } = await import('../runtime/tensorflow.js');
    await loadTensorFlow({ device: common.device, precision: args.dtype });
    const report = decode
      ? await (await import('../benchmark/decoding.js')).timeDecoding({ ...common, vocabulary: STANDARD_SHAPE.vocabulary, beamSize, sentences })
      : (await import('../benchmark/training-step.js')).timeTraining({ ...common, shape: { ...STANDARD_SHAPE, batch } });
    process.stdout.write(`${JSON.stringify(report)}\n`);
  },
};

/** Refuses options of the one measurement with the other, where they would change nothing. */
function checkKind({ decode, batch, beamSize, sentences }: BenchArguments): void {
  if (decode && batch !== undefined) throw new UsageError('usage', '--batch is for training steps, not for --decode.', { hint: 'With --decode, --sentences says how many are translated.' });
  if (decode) return;
  for (const [option, value] of Object.entries({ '--beam-size': beamSize, '--sentences': sentences })) {
    if (value !== undefined) throw new UsageError('usage', `${option} is for translating, not for training steps.`, { hint: 'Add --decode.' });
  }
}

function wholeNumber(option: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new UsageError('usage', `${option} must be a whole number of at least ${least}, but is ${value}.`);
}
