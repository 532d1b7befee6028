import type { Argv, CommandModule } from 'yargs';
import { UsageError } from '../errors.js';
import type { EvaluationSplit } from '../evaluation/evaluation-set.js';
import { scoringOptions, withScoringOptions, type ScoringArguments } from './eval-options.js';
import { Log } from './log.js';
import { withModelOptions, type ModelArguments } from './model-options.js';
import { withCommonOptions } from './options.js';

// Spelt out here, too, so that --help need not load the data; the type keeps the lists equal.
const SPLITS: Readonly<Record<EvaluationSplit, true>> = { dev: true, test: true };

/** The command line of `s2s eval`. */
export interface EvalArguments extends ModelArguments, ScoringArguments {
  /** The command and, as yargs takes a lone - out of --references, that and the files after it. */
  readonly _: readonly string[];
  readonly split: EvaluationSplit | undefined;
  readonly source: string | undefined;
  readonly hypotheses: string | undefined;
  readonly references: readonly string[] | undefined;
  readonly output: string | undefined;
  readonly score: boolean | undefined;
  readonly json: boolean;
}

/** `s2s eval`: scores a model, or translations. */
export const evalCommand: CommandModule<object, EvalArguments> = {
  command: 'eval',
  describe: 'Score a model on dev, test or files, or score translations: BLEU, chrF, TER, perplexity',
  builder: (yargs) =>
    withScoringOptions(withModelOptions(withCommonOptions(yargs)))
      .strict(false)
      .strictOptions()
      .string('_')
      .option('split', {
        choices: Object.keys(SPLITS),
        requiresArg: true,
        defaultDescription: 'test, or dev without test corpora',
        describe: 'Translate and score these corpora of the configuration',
      })
      .option('source', {
        type: 'string',
        requiresArg: true,
        describe: 'Translate this file in place of a split, with --references; - is stdin',
      })
      .option('hypotheses', {
        type: 'string',
        requiresArg: true,
        describe: 'Score this file of translations, with --references, without a model; - is stdin',
      })
      .option('references', {
        type: 'string',
        array: true,
        describe: 'Reference translations, one file or more; - is stdin',
      })
      .option('output', {
        alias: 'o',
        type: 'string',
        requiresArg: true,
        describe: 'Write the translations to this file, one a line',
      })
      .option('score', {
        type: 'boolean',
        describe:
          'Only print the log-probability that the model gives each reference translation, one a line, computed in float32',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print one JSON object' })
      .example('$0 eval', 'the last model trained here, on its test corpora')
      .example(
        '$0 eval --model runs/multi30k --split dev --output out.en',
        'a certain model on dev; keep the translations',
      )
      .example('$0 eval --source new.de --references new.en', 'on other files')
      .example(
        '$0 eval --score --source a.de --references a.en > log-probabilities',
        'how likely given translations are',
      )
      .example(
        '$0 translate < test.de | $0 eval --hypotheses - --references test.en',
        'score translations as they come',
      )
      .example('$0 eval --hypotheses out.zh --references a.zh b.zh --bleu-tokenizer char', 'two references, Chinese')
      .epilogue(
        'Perplexity and accuracy are those of the target tokens under teacher forcing, without label smoothing; with several references, of the ' +
          'first. A log-probability is the natural logarithm, summed over the tokens of a translation and its end.',
      ) as unknown as Argv<EvalArguments>,
  handler: async (args) => {
    const scoring = scoringOptions(args);
    const references = referencesOf(args);
    checkCombination(args, references);
    const log = new Log(args.logLevel);
    if (args.hypotheses === undefined) {
      const { evaluateRun } = await import('./eval-model.js');
      await evaluateRun(args, references, scoring, log);
      return;
    }
    const { evaluateFiles } = await import('./eval-files.js');
    const { scores, sentences, warnings } = await evaluateFiles(args.hypotheses, references, scoring);
    for (const warning of warnings) log.warn(warning);
    const { formatScoresAsJson, formatScoresForPeople } = await import('./eval-report.js');
    process.stdout.write((args.json ? formatScoresAsJson : formatScoresForPeople)(scores, { sentences }));
  },
};

/** Options that do not go with another one, and why. */
const CONFLICTS: readonly (readonly [keyof EvalArguments, readonly (keyof EvalArguments)[], string])[] = [
  [
    'hypotheses',
    ['source', 'split', 'model', 'checkpoint', 'beamSize', 'device', 'output', 'score', 'config', 'set'],
    'scores a file as it is, without a model',
  ],
  ['source', ['split'], 'names files in place of a split'],
  ['score', ['output', 'beamSize'], 'translates nothing'],
];

function checkCombination(args: EvalArguments, references: readonly string[]): void {
  const given = (option: keyof EvalArguments): boolean => args[option] !== undefined && args[option] !== false;
  for (const [option, others, reason] of CONFLICTS) {
    const other = given(option) ? others.find(given) : undefined;
    if (other !== undefined)
      throw misuse(`--${option} ${reason}: it does not go with --${other === 'beamSize' ? 'beam-size' : other}.`);
  }
  if (args.score === true && args.json) throw misuse('--score prints plain numbers: it does not go with --json.');
  if (args.score === true && references.length > 1)
    throw misuse(`--score takes one reference for each line, but there are ${references.length} files of them.`);
  if (args.hypotheses !== undefined && references.length === 0)
    throw misuse('Name the translations to score and their references.');
  if (args.source !== undefined && references.length === 0)
    throw misuse('--source needs the translations of that file, too.');
  if (
    args.hypotheses === undefined &&
    args.source === undefined &&
    (args.references !== undefined || references.length > 0)
  ) {
    throw misuse(
      args.split === undefined
        ? '--references needs --hypotheses or --source.'
        : `--split ${args.split} has references of its own: it does not go with --references.`,
    );
  }
}

function misuse(message: string): UsageError {
  return new UsageError('usage', message, {
    hint: 'One of: s2s eval --hypotheses FILE --references FILE.., s2s eval --source FILE --references FILE.., s2s eval --split dev|test',
  });
}

/** yargs takes a lone - out of --references, and all files after it, and puts them beside the command. */
function referencesOf({ _: [, ...rest], references = [] }: EvalArguments): string[] {
  const stray = rest[0];
  if (stray !== undefined && stray !== '-')
    throw new UsageError('usage', `What is ${stray}? Files are named by --source, --hypotheses and --references.`, {
      hint: 's2s eval --help shows what there is.',
    });
  return [...references, ...rest];
}
