import type { TokenizerReport, TokenStatistics, VocabularyReport } from '../text/build.js';

export function formatVocabularyReport(report: VocabularyReport): string {
  const { tokenizers, train, dev } = report;
  const rows = [
    ['', 'sentences', 'tokens/sentence', '95 %', 'longest', 'unknown'],
    ...(['source', 'target'] as const).flatMap((side) => [
      row(`train ${side}`, train[side]),
      row(`dev ${side}`, dev[side]),
    ]),
  ];
  return [...tokenizers.map(describeTokenizer), ...alignColumns(rows)].map((line) => `${line}\n`).join('');
}

function describeTokenizer({ role, file, settings, size, unit, types, coverage }: TokenizerReport): string {
  const isSmaller = size < settings.size && settings.type !== 'char' && settings.type !== 'word';
  const parts = [
    `${size} tokens${isSmaller ? ` (of ${settings.size} requested; the text has no more)` : ''}`,
    `${types.kept} ${unit}`,
    `${formatPercent(coverage)} of the training text covered`,
  ];
  if (types.left > 0) parts.push(`${types.left} rare ${unit} become <unk>`);
  return `${role} ${settings.type} vocabulary: ${parts.join(', ')}: ${file}`;
}

function row(name: string, { sentences, tokensPerSentence, unknownRate }: TokenStatistics): string[] {
  const { mean, p95, max } = tokensPerSentence;
  return [name, String(sentences), mean.toFixed(1), String(p95), String(max), formatPercent(unknownRate)];
}

/** A proportion (0 to 1) in per cent; `>99.99 %` and `<0.01 %` instead of rounding to 100 % and 0 %. */
export function formatPercent(share: number): string {
  const rounded = Number((100 * share).toFixed(2));
  if (rounded === 100 && share < 1) return '>99.99 %';
  if (rounded === 0 && share > 0) return '<0.01 %';
  return `${rounded} %`;
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0))) ?? [];
  return rows.map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
}
