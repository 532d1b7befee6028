import { formatFixed } from '../metrics/signature.js';
import type { TranslationScores } from '../metrics/score-translations.js';

/** Additional values by their JSON keys, such as `perplexity`. */
export type Figures = Readonly<Record<string, number>>;

export function formatScoresAsJson(scores: TranslationScores, figures: Figures): string {
  return `${JSON.stringify({ ...scores, ...figures })}\n`;
}

export function formatScoresForPeople(scores: TranslationScores, figures: Figures): string {
  const { bleu, chrf, ter } = scores;
  const rows = [bleu, chrf, ter].flatMap((score) => {
    if (score === undefined) return [];
    const row = [score.name, formatFixed(score.score, 2), score.signature];
    return 'details' in score ? [row, ['', '', score.details()]] : [row];
  });
  rows.push(
    ...Object.entries(figures).map(([name, value]) => [
      name,
      Number.isInteger(value) ? String(value) : formatFixed(value, 4),
      '',
    ]),
  );
  const widest = (column: number): number => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0));
  const [names, values] = [widest(0), widest(1)];
  return rows
    .map(
      ([name = '', value = '', rest = '']) =>
        `${`${name.padEnd(names)}  ${value.padStart(values)}  ${rest}`.trimEnd()}\n`,
    )
    .join('');
}
