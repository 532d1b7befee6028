import type { CommandModule } from 'yargs';
import type { Config } from '../config/schema.js';
import { S2sError } from '../errors.js';
import { plural } from '../plural.js';
import type { VocabularyEvent, VocabularyReport } from '../text/build.js';
import { reportChoices } from './choices-report.js';
import { Log } from './log.js';
import { configFromArguments, withCommonOptions, type CommonArguments } from './options.js';
import { formatPercent, formatVocabularyReport } from './vocabulary-report.js';
import { writeOutput } from './output.js';

interface BuildVocabArguments extends CommonArguments {
  readonly 'run-dir': string | undefined;
  readonly json: boolean;
  readonly force: boolean;
}

export const buildVocabCommand: CommandModule<object, BuildVocabArguments> = {
  command: 'build-vocab',
  describe: 'Learn the tokenizer and vocabulary from the training text, and report its coverage',
  builder: (yargs) =>
    withCommonOptions(yargs)
      .option('run-dir', { type: 'string', requiresArg: true, describe: 'Run directory; overrides runDirectory' })
      .option('json', { type: 'boolean', default: false, describe: 'Print the report as JSON' })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'Replace tokenizer files that s2s did not write, or that a trained model or other runs may use',
      })
      .example('$0 build-vocab --config c.yaml', 'learn the tokenizer of c.yaml')
      .example('$0 build-vocab --config c.yaml --set tokenizer.size=4000 --run-dir runs/4000', 'try another size'),
  handler: async (args) => {
    const given = await configFromArguments(args, { runDirectory: args.runDir });
    const log = new Log(args.logLevel);
    const { lockRunDirectory } = await import('../checkpoint/lock.js');
    // Locked against a training that has not saved a checkpoint yet.
    const { tokenizerDirectory } = await import('../data/vocabulary.js');
    const lock = await lockRunDirectory(tokenizerDirectory(given));
    try {
      const { chooseSettings } = await import('../training/settings.js');
      // The device has no effect on the vocabulary.
      const { config, choices, counted } = await chooseSettings(given, 'cpu');
      const ofTokenizer = choices.filter(({ key }) => key.startsWith('tokenizer.'));
      if (ofTokenizer.length > 0) reportChoices(ofTokenizer, counted, log);
      await buildVocabulary(config, args, log);
    } finally {
      await lock.release();
    }
  },
};

async function buildVocabulary(
  config: Config,
  args: Pick<BuildVocabArguments, 'force' | 'json'>,
  log: Log,
): Promise<void> {
  const { configVocabularyState, tokenizerDirectory } = await import('../data/vocabulary.js');
  const { buildConfigVocabulary, lastCheckpointStep, prepareHeldOutOfNewRun } =
    await import('../training/vocabulary.js');
  await prepareHeldOutOfNewRun(config);
  const directory = tokenizerDirectory(config);
  const { state } = await configVocabularyState(config);
  if (!args.force && state === 'foreign') {
    throw new S2sError('tokenizer-foreign', 'contains a tokenizer that was not learned by s2s', {
      place: { file: directory },
      hint:
        'Training uses it unchanged. Replace it with --force, or choose another directory: ' +
        '--set tokenizer.directory=DIR',
      exitCode: 2,
    });
  }
  const step = args.force && state !== 'current' ? await lastCheckpointStep(directory) : undefined;
  if (step !== undefined)
    log.warn(`${directory} contains a model trained to step ${step}, which cannot be used with the new vocabulary`);
  const report = await buildConfigVocabulary(config, (event) => logVocabularyEvent(event, log), { force: args.force });
  const { describeShortage, shortageOf } = await import('../text/vocabulary-shortage.js');
  const shortages = report.tokenizers.flatMap((tokenizer) => shortageOf(tokenizer) ?? []);
  for (const shortage of shortages) log.warn(describeShortage(shortage));
  warnAboutUnknown(report, log);
  await writeOutput(args.json ? `${JSON.stringify(report)}\n` : formatVocabularyReport(report));
}

/** A higher rate in dev often means that dev is cased or tokenised differently from the training text. */
const HIGH_UNKNOWN_RATE = 0.05;

function warnAboutUnknown({ train, dev, tokenizers }: VocabularyReport, log: Log): void {
  for (const side of ['source', 'target'] as const) {
    const { unknownRate } = dev[side];
    // If the training text is unknown, too, dev is not to blame.
    if (unknownRate <= HIGH_UNKNOWN_RATE || unknownRate <= 2 * train[side].unknownRate) continue;
    const { settings } = (side === 'source' ? tokenizers[0] : tokenizers.at(-1))!;
    const advice = settings.type === 'word' ? ' Subwords (tokenizer.type=bpe) give fewer unknown tokens.' : '';
    log.warn(
      `${formatPercent(unknownRate)} of the ${side} tokens of dev are unknown. Is dev cased and tokenised like the ` +
        `training text?${advice}`,
    );
  }
}

function logVocabularyEvent(event: VocabularyEvent, log: Log): void {
  if (event.type === 'reading') log.debug(`read ${plural(event.pairs, 'pair')}`);
  else if (event.type === 'measuring') log.debug('measuring the vocabulary');
  else {
    const { role, settings } = event;
    const side = role === 'shared' ? 'both sides' : `the ${role} side`;
    log.info(`learning a ${settings.type} vocabulary of ${side}, at most ${plural(settings.size, 'token')}`);
  }
}
