import { realpathSync, statSync, type Stats } from 'node:fs';
import { describeSystemError, isSystemError } from '../system-errors.js';
import { dataFiles, formatOfName } from './paths.js';
import type { Report } from './problems.js';
import { corpusSchema, type CorpusConfig } from './schema.js';

/** A corpus and its position in the configuration. */
interface PlacedCorpus {
  readonly split: 'train' | 'dev' | 'test';
  readonly index: number;
  readonly corpus: CorpusConfig;
}

/** Reports corpora with missing or contradictory keys, and text that occurs in two of train, dev and test. */
export function checkCorpora(value: unknown, report: Report): void {
  const corpora = validCorpora(value);
  for (const placed of corpora) checkCorpus(placed, report);
  checkOverlap(corpora, report);
}

/** Reports data files that do not exist or cannot be read, and a run directory that is a file. */
export function checkFiles(value: unknown, report: Report): void {
  checkRunDirectory(value, report);
  for (const { path, file } of dataFiles(value)) {
    let stats: Stats | undefined;
    try {
      stats = statSync(file, { throwIfNoEntry: false });
    } catch (error) {
      report(path, { message: `${file} cannot be read: ${describe(error)}.` });
      continue;
    }
    if (stats === undefined) report(path, { message: `file not found: ${file}.` });
    else if (stats.isDirectory()) report(path, { message: `${file} is a directory.`, hint: 'Name a file in it.' });
  }
}

/** The corpora that are valid on their own. */
function validCorpora(value: unknown): PlacedCorpus[] {
  const { data } = (value ?? {}) as { readonly data?: Readonly<Record<string, unknown>> | null };
  return (['train', 'dev', 'test'] as const).flatMap((split) => {
    const corpora = data?.[split];
    if (!Array.isArray(corpora)) return [];
    return corpora.flatMap((item, index) => {
      const parsed = corpusSchema.safeParse(item);
      return parsed.success ? [{ split, index, corpus: parsed.data }] : [];
    });
  });
}

function checkCorpus({ split, index, corpus }: PlacedCorpus, report: Report): void {
  const path = ['data', split, index];
  const aligned = corpus.source !== undefined || corpus.target !== undefined;
  if (aligned && corpus.file !== undefined) {
    report(path, {
      message: 'has both file and source or target.',
      hint: 'Give either one file with both sides, or two aligned files.',
    });
  } else if (!aligned && corpus.file === undefined) {
    report(path, { message: 'names no file.', hint: 'Give source and target, or file.' });
  } else if (aligned && (corpus.source === undefined || corpus.target === undefined)) {
    report(path, {
      message: `lacks ${corpus.source === undefined ? 'source' : 'target'}.`,
      hint: 'Two aligned files require both.',
    });
  }
  if (corpus.file !== undefined) checkColumns(corpus, path, report);
  if (!aligned) return;
  for (const key of ['format', 'sourceColumn', 'targetColumn', 'header', 'delimiter', 'quote'] as const) {
    if (corpus[key] !== undefined)
      report([...path, key], {
        message: 'is for one file with both sides, not for two aligned files.',
        hint: 'Remove it.',
      });
  }
  if (corpus.source !== undefined && corpus.source === corpus.target) {
    report([...path, 'target'], {
      message: 'is the same file as source.',
      hint: 'Name the file with the translations.',
    });
  }
}

function checkColumns(corpus: CorpusConfig, path: PropertyKey[], report: Report): void {
  const { file = '', sourceColumn, targetColumn, header } = corpus;
  const format = corpus.format ?? formatOfName(file);
  if (format === undefined) {
    report([...path, 'file'], {
      message: `has an extension of unknown format: ${file}.`,
      hint: 'Set format of this corpus to tsv, csv or jsonl.',
    });
  }
  if (sourceColumn !== undefined && sourceColumn === targetColumn) {
    report([...path, 'targetColumn'], {
      message: 'is the same column as sourceColumn.',
      hint: 'Name the column with the translations.',
    });
  }
  const byName = [sourceColumn, targetColumn].some((column) => typeof column === 'string');
  if (header === false && byName && format !== 'jsonl') {
    report([...path, 'header'], {
      message: 'is false, but columns are given by name.',
      hint: 'Give columns by number, from 1, or remove this key.',
    });
  }
}

function checkOverlap(corpora: readonly PlacedCorpus[], report: Report): void {
  const splitOf = new Map<string, string>();
  for (const { split, index, corpus } of corpora) {
    const identity = identityOf(corpus);
    if (identity === undefined) continue;
    const earlier = splitOf.get(identity) ?? split;
    splitOf.set(identity, earlier);
    if (earlier !== split) {
      report(['data', split, index], {
        message: `is also in data.${earlier}.`,
        hint: 'Scores on text used for training or model selection are not meaningful: use held-out text.',
      });
    }
  }
}

/**
 * A key that is equal for two corpora with the same text, in either direction and through symbolic links; undefined if
 * the corpus names no file.
 */
function identityOf({ source, target, file, format, sourceColumn, targetColumn }: CorpusConfig): string | undefined {
  if (source === undefined && target === undefined && file === undefined) return undefined;
  const real = (path: string | undefined): string | undefined => {
    try {
      return path === undefined ? undefined : realpathSync(path);
    } catch {
      return path;
    }
  };
  const defaults = file !== undefined && (format ?? formatOfName(file)) === 'jsonl' ? ['source', 'target'] : [1, 2];
  const sides =
    file === undefined ? [real(source), real(target)] : [sourceColumn ?? defaults[0], targetColumn ?? defaults[1]];
  return JSON.stringify([real(file), sides.map((side) => side ?? null).sort()]);
}

function checkRunDirectory(value: unknown, report: Report): void {
  const directory = (value as { readonly runDirectory?: unknown } | null | undefined)?.runDirectory;
  if (typeof directory !== 'string') return;
  const hint = 'Name a directory; it is created if it does not exist.';
  try {
    if (statSync(directory, { throwIfNoEntry: false })?.isFile() === true)
      report(['runDirectory'], { message: `is a file, not a directory: ${directory}.`, hint });
  } catch (error) {
    report(['runDirectory'], { message: `${directory} cannot be used: ${describe(error)}.`, hint });
  }
}

function describe(error: unknown): string {
  return isSystemError(error) ? describeSystemError(error) : String(error);
}
