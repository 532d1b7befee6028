import type { Argv } from 'yargs';
import { UsageError } from '../errors.js';
import type { ScoringOptions, TextMetric } from '../metrics/score-translations.js';
import type { BleuSmoothing } from '../metrics/bleu.js';
import type { BleuTokenizer } from '../metrics/tokenizers.js';

// Spelt out here, too, so that --help need not load the metrics; the types keep the lists equal.
const METRICS: Readonly<Record<TextMetric, true>> = { bleu: true, chrf: true, ter: true };
const TOKENIZERS: Readonly<Record<BleuTokenizer, true>> = { '13a': true, intl: true, char: true, none: true };
const SMOOTHINGS: Readonly<Record<BleuSmoothing, true>> = { exp: true, floor: true, 'add-k': true, none: true };

/** How to score, as on the command line. */
export interface ScoringArguments {
  readonly metrics: readonly TextMetric[];
  readonly lowercase: boolean;
  readonly bleuTokenizer: BleuTokenizer;
  readonly bleuSmoothing: BleuSmoothing;
  readonly bleuSmoothingValue: number | undefined;
  readonly bleuMaxOrder: number;
  readonly bleuEffectiveOrder: boolean;
  readonly chrfCharOrder: number;
  readonly chrfWordOrder: number;
  readonly chrfBeta: number;
  readonly chrfWhitespace: boolean;
  readonly chrfEpsSmoothing: boolean;
  readonly terNormalized: boolean;
  readonly terNoPunct: boolean;
  readonly terAsianSupport: boolean;
  readonly terCaseSensitive: boolean;
}

/** Adds the options of the metrics. */
export function withScoringOptions<T>(yargs: Argv<T>): Argv<T & ScoringArguments> {
  const flag = (describe: string) => ({ type: 'boolean', default: false, describe, group: 'Metrics:' }) as const;
  const number = (describe: string, standard?: number) =>
    ({ type: 'number', default: standard, requiresArg: true, describe, group: 'Metrics:' }) as const;
  const choice = (choices: object, standard: string, describe: string) =>
    ({ choices: Object.keys(choices), default: standard, requiresArg: true, describe, group: 'Metrics:' }) as const;
  return yargs
    .option('metrics', {
      array: true,
      choices: Object.keys(METRICS),
      default: Object.keys(METRICS),
      requiresArg: true,
      describe: 'Which metrics',
      group: 'Metrics:',
    })
    .option('lowercase', flag('Leave case out of BLEU and chrF; TER does so anyway'))
    .option('bleu-tokenizer', choice(TOKENIZERS, '13a', 'How BLEU finds words'))
    .option('bleu-smoothing', choice(SMOOTHINGS, 'exp', 'What BLEU does with an n-gram order without a match'))
    .option('bleu-smoothing-value', number('Value of floor (default 0.1) or of add-k (default 1)'))
    .option('bleu-max-order', number('Longest n-grams of BLEU', 4))
    .option('bleu-effective-order', flag('Leave out the n-gram orders that the text is too short for'))
    .option('chrf-char-order', number('Longest character n-grams of chrF', 6))
    .option('chrf-word-order', number('Longest word n-grams of chrF; 2 makes it chrF++', 0))
    .option('chrf-beta', number('Weight of recall in chrF', 2))
    .option('chrf-whitespace', flag('Count white space in chrF'))
    .option('chrf-eps-smoothing', flag('Smooth chrF as chrF++.py, Moses and NLTK do'))
    .option('ter-normalized', flag('Set punctuation apart before TER'))
    .option('ter-no-punct', flag('Drop punctuation before TER'))
    .option('ter-asian-support', flag('Let the two above care for Chinese and Japanese'))
    .option('ter-case-sensitive', flag('Let case matter in TER')) as unknown as Argv<T & ScoringArguments>;
}

/**
 * The options of the metrics that a command line asks for.
 *
 * @throws UsageError for a number out of range, or a value for a smoothing that takes none
 */
export function scoringOptions(args: ScoringArguments): ScoringOptions {
  wholeNumber('bleu-max-order', args.bleuMaxOrder, 1);
  wholeNumber('chrf-char-order', args.chrfCharOrder, 0);
  wholeNumber('chrf-word-order', args.chrfWordOrder, 0);
  if (args.chrfCharOrder + args.chrfWordOrder === 0)
    throw new UsageError('usage', '--chrf-char-order and --chrf-word-order cannot both be 0.');
  if (!(args.chrfBeta > 0)) throw new UsageError('usage', '--chrf-beta must be a number above 0.');
  const value = args.bleuSmoothingValue;
  if (value !== undefined) {
    if (!(value >= 0)) throw new UsageError('usage', '--bleu-smoothing-value must be a number, 0 or more.');
    if (args.bleuSmoothing === 'exp' || args.bleuSmoothing === 'none') {
      throw new UsageError('usage', `--bleu-smoothing ${args.bleuSmoothing} takes no value.`, {
        hint: 'floor and add-k do, for example: --bleu-smoothing add-k --bleu-smoothing-value 1',
      });
    }
  }
  return {
    metrics: args.metrics,
    bleu: {
      tokenizer: args.bleuTokenizer,
      lowercase: args.lowercase,
      smoothing: args.bleuSmoothing,
      smoothingValue: value,
      maxOrder: args.bleuMaxOrder,
      effectiveOrder: args.bleuEffectiveOrder,
    },
    chrf: {
      charOrder: args.chrfCharOrder,
      wordOrder: args.chrfWordOrder,
      beta: args.chrfBeta,
      lowercase: args.lowercase,
      whitespace: args.chrfWhitespace,
      epsSmoothing: args.chrfEpsSmoothing,
    },
    ter: {
      normalized: args.terNormalized,
      noPunctuation: args.terNoPunct,
      asianSupport: args.terAsianSupport,
      caseSensitive: args.terCaseSensitive,
    },
  };
}

function wholeNumber(option: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least)
    throw new UsageError('usage', `--${option} must be a whole number, ${least} or more.`);
}
