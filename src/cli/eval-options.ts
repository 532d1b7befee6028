import type { Argv } from 'yargs';
import { UsageError } from '../errors.js';
import type { ScoringOptions, TextMetric } from '../metrics/score-translations.js';
import type { BleuSmoothing } from '../metrics/bleu.js';
import type { BleuTokenizer } from '../metrics/tokenizers.js';

// Repeated from metrics/ so that --help does not import it; the types keep both lists equal.
const METRICS: Readonly<Record<TextMetric, true>> = { bleu: true, chrf: true, ter: true };
const TOKENIZERS: Readonly<Record<BleuTokenizer, true>> = { '13a': true, intl: true, zh: true, char: true, none: true };
const SMOOTHINGS: Readonly<Record<BleuSmoothing, true>> = { exp: true, floor: true, 'add-k': true, none: true };

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

export function withScoringOptions<T>(yargs: Argv<T>): Argv<T & ScoringArguments> {
  const flag = (describe: string) => ({ type: 'boolean', default: false, describe, group: 'Metrics:' }) as const;
  const number = (describe: string, defaultValue?: number) =>
    ({ type: 'number', default: defaultValue, requiresArg: true, describe, group: 'Metrics:' }) as const;
  const choice = (choices: object, defaultValue: string, describe: string) =>
    ({ choices: Object.keys(choices), default: defaultValue, requiresArg: true, describe, group: 'Metrics:' }) as const;
  return yargs
    .option('metrics', {
      array: true,
      choices: Object.keys(METRICS),
      default: Object.keys(METRICS),
      requiresArg: true,
      describe: 'Metrics to compute',
      group: 'Metrics:',
    })
    .option('lowercase', flag('Compute BLEU and chrF case-insensitively; TER is case-insensitive by default'))
    .option('bleu-tokenizer', choice(TOKENIZERS, '13a', 'Tokenizer for BLEU'))
    .option('bleu-smoothing', choice(SMOOTHINGS, 'exp', 'Smoothing method of BLEU'))
    .option('bleu-smoothing-value', number('Smoothing value for floor (default 0.1) or add-k (default 1)'))
    .option('bleu-max-order', number('Maximum n-gram order of BLEU', 4))
    .option('bleu-effective-order', flag('Ignore n-gram orders greater than the text length in BLEU'))
    .option('chrf-char-order', number('Maximum character n-gram order of chrF', 6))
    .option('chrf-word-order', number('Maximum word n-gram order of chrF; 2 is chrF++', 0))
    .option('chrf-beta', number('Weight of recall over precision in chrF', 2))
    .option('chrf-whitespace', flag('Include whitespace in chrF'))
    .option('chrf-eps-smoothing', flag('Use epsilon smoothing in chrF, as chrF++.py, Moses and NLTK do'))
    .option('ter-normalized', flag('Tokenize punctuation and symbols before TER'))
    .option('ter-no-punct', flag('Remove punctuation before TER'))
    .option('ter-asian-support', flag('Support Chinese and Japanese in --ter-normalized and --ter-no-punct'))
    .option('ter-case-sensitive', flag('Compute TER case-sensitively')) as unknown as Argv<T & ScoringArguments>;
}

/** @throws UsageError for a number out of range, or a smoothing value for a method without one */
export function scoringOptions(args: ScoringArguments): ScoringOptions {
  assertInteger('bleu-max-order', args.bleuMaxOrder, 1);
  assertInteger('chrf-char-order', args.chrfCharOrder, 0);
  assertInteger('chrf-word-order', args.chrfWordOrder, 0);
  if (args.chrfCharOrder + args.chrfWordOrder === 0)
    throw new UsageError('usage', '--chrf-char-order and --chrf-word-order cannot both be 0.');
  if (!(args.chrfBeta > 0)) throw new UsageError('usage', '--chrf-beta must be a number greater than 0.');
  const value = args.bleuSmoothingValue;
  if (value !== undefined) {
    if (!(value >= 0)) throw new UsageError('usage', '--bleu-smoothing-value must be a number of at least 0.');
    if (args.bleuSmoothing === 'exp' || args.bleuSmoothing === 'none') {
      throw new UsageError('usage', `--bleu-smoothing ${args.bleuSmoothing} has no smoothing value.`, {
        hint: 'Only floor and add-k have one, for example: --bleu-smoothing add-k --bleu-smoothing-value 1',
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

function assertInteger(option: string, value: number, minimum: number): void {
  if (!Number.isInteger(value) || value < minimum)
    throw new UsageError('usage', `--${option} must be an integer of at least ${minimum}.`);
}
