import type { Translation } from '../decoding/translate-lines.js';

/** How translations are printed. */
export const OUTPUT_FORMATS = ['text', 'jsonl', 'tsv'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface OutputOptions {
  readonly format: OutputFormat;
  /** Translations of each line; undefined for the best alone. */
  readonly nBest: number | undefined;
  /** Whether text and tsv tell the scores; jsonl always does. */
  readonly scores: boolean;
}

/**
 * One line of input and its translations as they are printed, the final line feed included.
 *
 * - text: the translation, with scores `translation<TAB>score`; n-best as `number ||| translation ||| score`, numbered
 *   from 0, as Moses and Marian print it
 * - tsv: `source<TAB>translation`, with scores a third column; n-best as one such line each, with the number of the input line
 *   before it, from 1. Tabs in text become spaces
 * - jsonl: one object a line of input, numbered from 1
 *
 * @param index of the line in the whole input, from 0
 */
export function formatTranslation(
  index: number,
  source: string,
  { hypotheses }: Translation,
  { format, nBest, scores }: OutputOptions,
): string {
  const [best] = hypotheses;
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
  return scores ? `${best.text}\t${formatScore(best.score)}\n` : `${best.text}\n`;
}

function column(text: string): string {
  return text.replaceAll('\t', ' ');
}

function formatScore(score: number): string {
  return score.toFixed(4);
}
