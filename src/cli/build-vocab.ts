import type { CommandModule } from 'yargs';
import type { Config } from '../config/schema.js';
import { S2sError } from '../errors.js';
import type { VocabularyEvent, VocabularyReport } from '../text/build.js';
import { Log } from './log.js';
import { configFromArguments, withCommonOptions, type CommonArguments } from './options.js';
import { formatPercent, formatVocabularyReport } from './vocabulary-report.js';

interface BuildVocabArguments extends CommonArguments {
  readonly 'run-dir': string | undefined;
  readonly json: boolean;
  readonly force: boolean;
}

/** `s2s build-vocab`: learns the tokenizers of a configuration. */
export const buildVocabCommand: CommandModule<object, BuildVocabArguments> = {
  command: 'build-vocab',
  describe: 'Learn tokenizer and vocabulary from the training text, and report how they fit',
  builder: (yargs) =>
    withCommonOptions(yargs)
      .option('run-dir', { type: 'string', requiresArg: true, describe: 'Folder of the run, in place of runDirectory' })
      .option('json', { type: 'boolean', default: false, describe: 'Print the report as one JSON object' })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'Replace tokenizer files that s2s did not write, or that a trained model or other runs may need',
      })
      .example('$0 build-vocab --config c.yaml', 'learn what the configuration asks for')
      .example('$0 build-vocab --config c.yaml --set tokenizer.size=4000 --run-dir runs/4000', 'try another size'),
  handler: async (args) => {
    const config = await configFromArguments(args, { runDirectory: args.runDir });
    const log = new Log(args.logLevel);
    const { lockRunDirectory } = await import('../checkpoint/lock.js');
    // A training that has not saved a checkpoint yet needs its vocabulary, too.
    const { tokenizerDirectory } = await import('../data/vocabulary.js');
    const lock = await lockRunDirectory(tokenizerDirectory(config));
    try {
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
  const { buildConfigVocabulary, trainedStep } = await import('../training/vocabulary.js');
  const directory = tokenizerDirectory(config);
  const { state } = await configVocabularyState(config);
  if (!args.force && state === 'foreign') {
    throw new S2sError('tokenizer-foreign', 'holds a tokenizer that s2s did not learn', {
      place: { file: directory },
      hint: 'Training uses it as it is. Replace it with --force, or choose another folder: --set tokenizer.directory=DIR',
      exitCode: 2,
    });
  }
  const step = args.force && state !== 'current' ? await trainedStep(directory) : undefined;
  if (step !== undefined)
    log.warn(`${directory} holds a model trained up to step ${step}: it cannot be used with the new vocabulary`);
  const report = await buildConfigVocabulary(config, (event) => logVocabularyEvent(event, log), { force: args.force });
  warnOfUnknown(report, log);
  process.stdout.write(args.json ? `${JSON.stringify(report)}\n` : formatVocabularyReport(report));
}

/** Much unknown text in dev often means that it is cased or tokenised in another way than the training text. */
const ALARMING_UNKNOWN_RATE = 0.05;

function warnOfUnknown({ dev }: VocabularyReport, log: Log): void {
  for (const side of ['source', 'target'] as const) {
    const { unknownRate } = dev[side];
    if (unknownRate <= ALARMING_UNKNOWN_RATE) continue;
    log.warn(
      `${formatPercent(unknownRate)} of the ${side} tokens of dev are unknown. Is dev cased or tokenised like the training text? Subwords (tokenizer.type=bpe) leave less unknown.`,
    );
  }
}

/** Says what `buildVocabulary` is at, also where training builds the vocabulary. */
export function logVocabularyEvent(event: VocabularyEvent, log: Log): void {
  if (event.type === 'reading') log.debug(`read ${event.pairs} pairs`);
  else if (event.type === 'measuring') log.debug('measuring the vocabulary');
  else
    log.info(
      `learning a ${event.settings.type} vocabulary of ${event.role === 'shared' ? 'both sides' : `the ${event.role} side`}, ${event.settings.size} tokens at most`,
    );
}
