import type { Argv, CommandModule } from 'yargs';
import { UsageError } from '../errors.js';
import { scoringOptions, withScoringOptions, type ScoringArguments } from './eval-options.js';
import { Log } from './log.js';
import { withCommonOptions, type CommonArguments } from './options.js';

interface EvalArguments extends CommonArguments, ScoringArguments {
  /** The command and, as yargs takes a lone - out of --references, that. */
  readonly _: readonly (string | number)[];
  readonly hypotheses: string | undefined;
  readonly references: readonly string[] | undefined;
  readonly json: boolean;
}

/** `s2s eval`: scores translations. */
export const evalCommand: CommandModule<object, EvalArguments> = {
  command: 'eval',
  describe: 'Score translations: BLEU, chrF and TER',
  builder: (yargs) =>
    withScoringOptions(withCommonOptions(yargs))
      .strict(false)
      .strictOptions()
      .option('hypotheses', { type: 'string', requiresArg: true, describe: 'Score this file of translations, a sentence a line; - is stdin' })
      .option('references', { type: 'string', array: true, describe: 'Reference translations of --hypotheses, one file or more; - is stdin' })
      .option('json', { type: 'boolean', default: false, describe: 'Print one JSON object' })
      .example('$0 eval --hypotheses out.en --references test.en', 'score a file')
      .example('$0 translate < test.de | $0 eval --hypotheses - --references test.en', 'score translations as they come')
      .example('$0 eval --hypotheses out.zh --references a.zh b.zh --bleu-tokenizer char', 'two references, Chinese') as unknown as Argv<EvalArguments>,
  handler: async (args) => {
    const options = scoringOptions(args);
    const references = referencesOf(args);
    if (args.hypotheses === undefined || references.length === 0) {
      throw new UsageError('usage', 'Name the translations to score and their references.', { hint: 's2s eval --hypotheses FILE --references FILE..' });
    }
    const log = new Log(args.logLevel);
    const { evaluateFiles } = await import('./eval-files.js');
    const { scores, sentences, warnings } = await evaluateFiles(args.hypotheses, references, options);
    for (const warning of warnings) log.warn(warning);
    const { formatScoresAsJson, formatScoresForPeople } = await import('./eval-report.js');
    process.stdout.write((args.json ? formatScoresAsJson : formatScoresForPeople)(scores, { sentences }));
  },
};

function referencesOf({ _: [, ...rest], references = [] }: EvalArguments): string[] {
  const stray = rest.find((word) => word !== '-');
  if (stray !== undefined) throw new UsageError('usage', `What is ${stray}? Files are named by --hypotheses and --references.`, { hint: 's2s eval --help shows what there is.' });
  return [...references, ...rest.map(String)];
}
