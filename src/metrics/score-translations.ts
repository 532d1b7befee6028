import { bleuMetric, type BleuOptions, type BleuScore } from './bleu.js';
import { chrfMetric, type ChrfOptions, type ChrfScore } from './chrf.js';
import { corpusScore } from './metric.js';
import { terMetric, type TerOptions, type TerScore } from './ter.js';

/** The reference-based metrics. */
export const TEXT_METRICS = ['bleu', 'chrf', 'ter'] as const;
export type TextMetric = (typeof TEXT_METRICS)[number];

export interface ScoringOptions {
  /** Default: all. */
  readonly metrics?: readonly TextMetric[];
  readonly bleu?: BleuOptions;
  readonly chrf?: ChrfOptions;
  readonly ter?: TerOptions;
}

/** The requested scores. */
export interface TranslationScores {
  readonly bleu?: BleuScore;
  readonly chrf?: ChrfScore;
  readonly ter?: TerScore;
}

/**
 * Scores translations with several metrics.
 *
 * @param references reference sets: [sets, hypotheses]
 * @throws S2sError `line-counts-differ`, `no-references` or `nothing-to-score`
 */
export function scoreTranslations(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  { metrics = TEXT_METRICS, bleu, chrf, ter }: ScoringOptions = {},
): TranslationScores {
  return {
    ...(metrics.includes('bleu') && { bleu: corpusScore(bleuMetric(bleu), hypotheses, references) }),
    ...(metrics.includes('chrf') && { chrf: corpusScore(chrfMetric(chrf), hypotheses, references) }),
    ...(metrics.includes('ter') && { ter: corpusScore(terMetric(ter), hypotheses, references) }),
  };
}
