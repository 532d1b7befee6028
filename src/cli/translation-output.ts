import type { Translation } from '../decoding/translate-lines.js';
import { withoutCarriageReturns } from '../text/invisible.js';

export const OUTPUT_FORMATS = ['text', 'jsonl', 'tsv'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface OutputOptions {
  readonly format: OutputFormat;
  /** Number of translations per line; undefined prints the best without a number. */
  readonly nBest: number | undefined;
  /** Whether text and tsv include scores; jsonl always does. */
  readonly scores: boolean;
}

/**
 * Formats the translations of one input line, including the final line feed.
 *
 * - text: the translation, with scores `translation<TAB>score`; n-best as `number ||| translation ||| score`, numbered
 *   from 0 as in Moses and Marian. Tabs in text are replaced by spaces if scores follow
 * - tsv: `source<TAB>translation`, with scores in a third column; n-best with one line per translation, preceded by the
 *   line number from 1. Tabs in text are replaced by spaces
 * - jsonl: one object per input line, with its line number from 1
 *
 * The output contains no carriage return: those of the source are removed or replaced, see `withoutCarriageReturns`.
 *
 * @param index index of the line in the whole input, from 0
 */
export function formatTranslation(
  index: number,
  sourceLine: string,
  { hypotheses }: Translation,
  { format, nBest, scores }: OutputOptions,
): string {
  const [best] = hypotheses;
  const source = withoutCarriageReturns(sourceLine);
  if (format === 'jsonl') {
    const all = hypotheses.map(({ text, score, logProbability }) => ({ translation: text, score, logProbability }));
    return `${JSON.stringify({ line: index + 1, source, ...(nBest === undefined ? all[0] : { hypotheses: all }) })}\n`;
  }
  if (format === 'tsv') {
    const rows = hypotheses.map(({ text, score }) =>
      [
        ...(nBest === undefined ? [] : [String(index + 1)]),
        column(source),
        column(text),
        ...(scores ? [formatScore(score)] : []),
      ].join('\t'),
    );
    return `${rows.join('\n')}\n`;
  }
  if (nBest !== undefined)
    return hypotheses.map(({ text, score }) => `${index} ||| ${text} ||| ${formatScore(score)}\n`).join('');
  return scores ? `${column(best.text)}\t${formatScore(best.score)}\n` : `${best.text}\n`;
}

function column(text: string): string {
  return text.replaceAll('\t', ' ');
}

function formatScore(score: number): string {
  return score.toFixed(4);
}
