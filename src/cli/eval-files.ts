import { S2sError, UsageError } from '../errors.js';
import { scoreTranslations, type ScoringOptions, type TranslationScores } from '../metrics/score-translations.js';
import { describeTokenizedSign, looksTokenized } from '../metrics/tokenized.js';
import { readLines } from '../text/lines.js';

/** Scores of a file, and what may be wrong with the text, in words. */
export interface FileEvaluation {
  readonly scores: TranslationScores;
  readonly sentences: number;
  readonly warnings: readonly string[];
}

/**
 * Scores a file of translations, a sentence a line, against files of references. `-` is stdin.
 *
 * @throws S2sError `line-counts-differ`, naming both files, or what `readLines` throws
 */
export async function evaluateFiles(hypothesesFile: string, referenceFiles: readonly string[], options: ScoringOptions): Promise<FileEvaluation> {
  if ([hypothesesFile, ...referenceFiles].filter((file) => file === '-').length > 1) throw new UsageError('usage', 'Only one of the files can be stdin (-).');
  const hypotheses = await readAllLines(hypothesesFile);
  const references: string[][] = [];
  for (const file of referenceFiles) {
    const lines = await readAllLines(file);
    if (lines.length !== hypotheses.length) {
      throw new S2sError('line-counts-differ', `has ${countLines(hypotheses)}, but ${nameOf(file)} has ${countLines(lines)}`, {
        place: { file: nameOf(hypothesesFile) },
        hint: 'Every line of the hypotheses needs its reference, in the same place; blank lines count.',
      });
    }
    references.push(lines);
  }
  if (hypotheses.length === 0) throw new S2sError('nothing-to-score', 'has no lines', { place: { file: nameOf(hypothesesFile) } });
  const warnings = [hypotheses, ...references].flatMap((lines, index) => tokenizedWarnings(nameOf([hypothesesFile, ...referenceFiles][index] ?? ''), lines));
  return { scores: scoreTranslations(hypotheses, references, options), sentences: hypotheses.length, warnings };
}

/** Warnings that text looks tokenised, so that its BLEU compares with nobody else's. */
export function tokenizedWarnings(name: string, lines: readonly string[]): string[] {
  return looksTokenized(lines).map((sign) => `${name} looks tokenised: ${describeTokenizedSign(sign)}. Scores compare only between detokenised texts.`);
}

async function readAllLines(file: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(file === '-' ? process.stdin : file)) lines.push(line);
  return lines;
}

function nameOf(file: string): string {
  return file === '-' ? 'stdin' : file;
}

function countLines(lines: readonly string[]): string {
  return lines.length === 1 ? '1 line' : `${lines.length} lines`;
}
