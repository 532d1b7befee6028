import type { Argv, CommandModule } from 'yargs';
import { UsageError } from '../errors.js';
import type { EvaluationSplit } from '../evaluation/evaluation-set.js';
import { scoringOptions, withScoringOptions, type ScoringArguments } from './eval-options.js';
import { LineWarnings } from './line-warnings.js';
import { Log } from './log.js';
import { withModelOptions, type ModelArguments } from './model-options.js';
import { withCommonOptions } from './options.js';
import { writeOutput } from './output.js';

// Repeated from evaluation/ so that --help does not import it; the type keeps both lists equal.
const SPLITS: Readonly<Record<EvaluationSplit, true>> = { dev: true, test: true };

export interface EvalArguments extends ModelArguments, ScoringArguments {
  readonly split: EvaluationSplit | undefined;
  readonly source: string | undefined;
  readonly hypotheses: string | undefined;
  readonly references: readonly string[] | undefined;
  readonly output: string | undefined;
  readonly score: boolean | undefined;
  readonly json: boolean;
}

export const evalCommand: CommandModule<object, EvalArguments> = {
  command: 'eval',
  describe: 'Score a model on dev, test or files, or score translations: BLEU, chrF, TER, perplexity',
  builder: (yargs) =>
    withScoringOptions(withModelOptions(withCommonOptions(yargs)))
      .option('split', {
        choices: Object.keys(SPLITS),
        requiresArg: true,
        defaultDescription: 'test, or dev without test corpora',
        describe: 'Split of the configuration to translate and score',
      })
      .option('source', {
        type: 'string',
        requiresArg: true,
        describe: 'Source file to translate instead of a split; requires --references; - is stdin',
      })
      .option('hypotheses', {
        type: 'string',
        requiresArg: true,
        describe: 'Translations to score without a model; requires --references; - is stdin',
      })
      .option('references', {
        type: 'string',
        array: true,
        describe: 'Reference translations, one or more files; - is stdin',
      })
      .option('output', {
        alias: 'o',
        type: 'string',
        requiresArg: true,
        describe: 'File for the translations, one per line',
      })
      .option('score', {
        type: 'boolean',
        describe: 'Only print the log-probability of each reference translation, one per line, computed in float32',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print one JSON object' })
      .example('$0 eval', 'the last model trained in this directory, on its test corpora')
      .example(
        '$0 eval --model runs/multi30k --split dev --output out.en',
        'a given model on dev, with the translations in a file',
      )
      .example('$0 eval --source new.de --references new.en', 'on other files')
      .example(
        '$0 eval --score --source a.de --references a.en > log-probabilities',
        'log-probabilities of given translations',
      )
      .example('$0 translate < test.de | $0 eval --hypotheses - --references test.en', 'score translations from a pipe')
      .example('$0 eval --hypotheses out.zh --references a.zh b.zh --bleu-tokenizer char', 'two references, Chinese')
      .epilogue(
        'Perplexity and accuracy are computed on the target tokens of the first reference, with teacher forcing and ' +
          'without label smoothing. Log-probabilities are natural logarithms, summed over the tokens of a sentence, ' +
          'including the end of the sentence.',
      ) as unknown as Argv<EvalArguments>,
  handler: async (args) => {
    const scoring = scoringOptions(args);
    const { references = [] } = args;
    checkCombination(args, references);
    const log = new Log(args.logLevel);
    if (args.hypotheses === undefined) {
      const { evaluateRun } = await import('./eval-model.js');
      await evaluateRun(args, references, scoring, log);
      return;
    }
    const { evaluateFiles } = await import('./eval-files.js');
    const { scores, sentences, warnings } = await evaluateFiles(
      args.hypotheses,
      references,
      scoring,
      new LineWarnings(log),
    );
    for (const warning of warnings) log.warn(warning);
    const { formatScoresAsJson, formatScoresForPeople } = await import('./eval-report.js');
    await writeOutput((args.json ? formatScoresAsJson : formatScoresForPeople)(scores, { sentences }));
  },
};

/** An option, options it cannot be combined with, and the reason. */
const CONFLICTS: readonly (readonly [keyof EvalArguments, readonly (keyof EvalArguments)[], string])[] = [
  [
    'hypotheses',
    ['source', 'split', 'model', 'checkpoint', 'beamSize', 'device', 'output', 'score', 'config', 'set'],
    'scores a file without a model',
  ],
  ['source', ['split'], 'replaces the split'],
  ['score', ['output', 'beamSize'], 'does not translate'],
];

function checkCombination(args: EvalArguments, references: readonly string[]): void {
  const given = (option: keyof EvalArguments): boolean => args[option] !== undefined && args[option] !== false;
  for (const [option, others, reason] of CONFLICTS) {
    const other = given(option) ? others.find(given) : undefined;
    if (other !== undefined)
      throw invalid(
        `--${option} ${reason}: it cannot be combined with --${other === 'beamSize' ? 'beam-size' : other}.`,
      );
  }
  if (args.score === true && args.json)
    throw invalid('--score prints plain numbers: it cannot be combined with --json.');
  if (args.score === true && references.length > 1)
    throw invalid(`--score takes one reference file, but ${references.length} were given.`);
  if (args.hypotheses !== undefined && references.length === 0) throw invalid('--hypotheses requires --references.');
  if (args.source !== undefined && references.length === 0) throw invalid('--source requires --references.');
  if (args.hypotheses === undefined && args.source === undefined && args.references !== undefined) {
    throw invalid(
      args.split === undefined
        ? '--references requires --hypotheses or --source.'
        : `--split ${args.split} includes its references: it cannot be combined with --references.`,
    );
  }
}

function invalid(message: string): UsageError {
  const forms = ['--hypotheses FILE --references FILE..', '--source FILE --references FILE..', '--split dev|test'];
  return new UsageError('usage', message, { hint: `One of: ${forms.map((form) => `s2s eval ${form}`).join(', ')}` });
}
