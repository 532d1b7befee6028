import { S2sError, UsageError } from '../errors.js';
import { scoreTranslations, type ScoringOptions, type TranslationScores } from '../metrics/score-translations.js';
import { bleuWarnings } from '../metrics/reference-warnings.js';
import { tokenizedWarnings } from '../metrics/tokenized.js';
import { plural } from '../plural.js';
import { readLines } from '../text/lines.js';
import type { LineWarnings } from './line-warnings.js';

/** Scores of a file of translations, with warnings about its text. */
export interface FileEvaluation {
  readonly scores: TranslationScores;
  readonly sentences: number;
  readonly warnings: readonly string[];
}

/**
 * Scores a file of translations, one sentence per line, against files of references. `-` is stdin.
 *
 * @throws the errors of `readParallelFiles`
 */
export async function evaluateFiles(
  hypothesesFile: string,
  referenceFiles: readonly string[],
  options: ScoringOptions,
  lineWarnings?: LineWarnings,
): Promise<FileEvaluation> {
  const [hypotheses, ...references] = await readParallelFiles(hypothesesFile, referenceFiles, lineWarnings);
  const warnings = [hypotheses, ...references].flatMap((lines, index) =>
    tokenizedWarnings(nameOf([hypothesesFile, ...referenceFiles][index] ?? ''), lines),
  );
  if (options.metrics?.includes('bleu') !== false) {
    references.forEach((lines, index) => {
      warnings.push(...bleuWarnings(nameOf(referenceFiles[index] ?? ''), lines, options.bleu));
    });
  }
  return { scores: scoreTranslations(hypotheses, references, options), sentences: hypotheses.length, warnings };
}

/**
 * Reads aligned files with LF or CR LF line ends. `-` is stdin.
 *
 * @param warnings of lines that are not valid UTF-8; without it, such a line is an error
 * @throws UsageError if stdin is named twice; S2sError `line-counts-differ` with both files, `nothing-to-score`, or an
 *   error of `readLines`
 */
export async function readParallelFiles(
  first: string,
  others: readonly string[],
  warnings?: LineWarnings,
): Promise<[string[], ...string[][]]> {
  if ([first, ...others].filter((file) => file === '-').length > 1)
    throw new UsageError('usage', 'Only one of the files can be stdin (-).');
  const lines = await readAllLines(first, warnings);
  const read: [string[], ...string[][]] = [lines];
  for (const file of others) {
    const counterparts = await readAllLines(file, warnings);
    if (counterparts.length !== lines.length) {
      throw new S2sError(
        'line-counts-differ',
        `has ${plural(lines.length, 'line')}, but ${nameOf(file)} has ${plural(counterparts.length, 'line')}`,
        {
          place: { file: nameOf(first) },
          hint: 'Line N of one file corresponds to line N of the other, blank lines included.',
        },
      );
    }
    read.push(counterparts);
  }
  warnings?.finish();
  if (lines.length === 0) throw new S2sError('nothing-to-score', 'has no lines', { place: { file: nameOf(first) } });
  return read;
}

async function readAllLines(file: string, warnings: LineWarnings | undefined): Promise<string[]> {
  const lines: string[] = [];
  const onInvalid = warnings?.of(file).onInvalid;
  for await (const line of readLines(file === '-' ? process.stdin : file, { onInvalid }))
    lines.push(line.endsWith('\r') ? line.slice(0, -1) : line);
  return lines;
}

function nameOf(file: string): string {
  return file === '-' ? 'stdin' : file;
}
