import { createHash } from 'node:crypto';
import path from 'node:path';
import { HELD_OUT_SPLITS, holdOutOf, listedCorpora, type HeldOutSplit, type TextConfig } from '../config/hold-out.js';
import type { CorpusConfig } from '../config/schema.js';
import { S2sError, UsageError } from '../errors.js';
import { plural } from '../plural.js';
import { comparableText } from './comparable-text.js';
import { contentHashes, fileSignature } from './content-hash.js';
import { corpusFiles, corpusFormat, readPairs } from './corpus.js';
import { drawPairs } from './draw.js';
import { readHeldOutFile, writeHeldOutFile, type HeldOutPairs } from './held-out-file.js';
import { trainingLines } from './unusable-lines.js';

/** At least this fraction of the pairs must remain for training. */
const LEAST_FOR_TRAINING = 0.5;

/** The splits that are drawn from the training corpora, test first. */
function heldOutSplits({ data }: TextConfig): HeldOutSplit[] {
  return HELD_OUT_SPLITS.filter((split) => holdOutOf(data, split) !== undefined).reverse();
}

/**
 * Draws the held-out pairs of a new training and writes them to the run directory, where resumed trainings and
 * evaluations find them. Does nothing if the configuration holds out no pairs, or if the run directory has those of the
 * same configuration and text.
 *
 * @throws S2sError `hold-out-too-large` if less than half of the text would remain for training; `hold-out-pipe` if a
 *   training corpus can be read only once; and the errors of `readPairs`
 */
export async function prepareHeldOut(config: TextConfig): Promise<void> {
  if (heldOutSplits(config).length === 0) return;
  const key = await keyOf(config);
  const saved = await readHeldOutFile(config.runDirectory).catch(() => undefined);
  if (saved?.key !== key) await writeHeldOutFile(config.runDirectory, { key, pairs: await draw(config) });
}

/**
 * The held-out pairs of a configuration: those in the run directory if it has any, since a model may have been trained
 * without them, or else newly drawn ones.
 *
 * @returns undefined if the configuration holds out no pairs
 * @throws UsageError `hold-out-differs` if the run directory has another number of pairs; S2sError like
 *   `prepareHeldOut`
 */
export async function loadHeldOut(config: TextConfig): Promise<HeldOutPairs | undefined> {
  const splits = heldOutSplits(config);
  if (splits.length === 0) return undefined;
  const saved = await readHeldOutFile(config.runDirectory);
  if (saved === undefined) {
    await keyOf(config);
    return draw(config);
  }
  for (const split of splits) {
    const wanted = holdOutOf(config.data, split)!;
    const found = saved.pairs[split].length;
    if (wanted === found) continue;
    throw new UsageError(
      'hold-out-differs',
      `is ${wanted}, but this run was started with ${plural(found, 'pair')} held out for ${split}`,
      {
        place: { file: config.runDirectory, key: `data.${split}.holdOut` },
        hint: 'A run keeps its held-out pairs: set the number it was started with, or choose another --run-dir.',
      },
    );
  }
  // Splits with corpora of their own now hold out nothing.
  const pairsOf = (split: HeldOutSplit) => (splits.includes(split) ? saved.pairs[split] : []);
  return { dev: pairsOf('dev'), test: pairsOf('test') };
}

/** Each draw excludes the texts of the other split, whether that is held out too or has corpora of its own. */
async function draw(config: TextConfig): Promise<HeldOutPairs> {
  const { data, seed } = config;
  const excluded = { sources: new Set<string>(), targets: new Set<string>() };
  const exclude = (pairs: Iterable<{ readonly source: string; readonly target: string }>): void => {
    for (const { source, target } of pairs) {
      excluded.sources.add(comparableText(source));
      excluded.targets.add(comparableText(target));
    }
  };
  for (const split of HELD_OUT_SPLITS) for await (const block of readPairs(listedCorpora(data, split))) exclude(block);

  const drawn: Record<HeldOutSplit, HeldOutPairs['dev']> = { dev: [], test: [] };
  const splits = heldOutSplits(config);
  const wanted = splits.reduce((sum, split) => sum + holdOutOf(data, split)!, 0);
  for (const split of splits) {
    const size = holdOutOf(data, split)!;
    const { pairs, available } = await drawPairs(readPairs(data.train, undefined, { lines: trainingLines(data) }), {
      size,
      seed,
      name: split,
      weights: data.train.map(({ weight }) => weight),
      excluded,
    });
    // The first draw has seen all text; a later one has lost what is excluded.
    if (split === splits[0] && wanted > available * (1 - LEAST_FOR_TRAINING)) throw tooLarge(split, wanted, available);
    if (pairs.length < size) throw tooFewTexts(split, size, pairs.length, excluded.sources.size > 0);
    drawn[split] = pairs.map(({ source, target, file, line }) => ({ source, target, file, line }));
    exclude(pairs);
  }
  return drawn;
}

function tooLarge(split: HeldOutSplit, wanted: number, available: number): S2sError {
  const most = Math.floor(available * (1 - LEAST_FOR_TRAINING));
  return new S2sError(
    'hold-out-too-large',
    `${plural(wanted, 'pair')} cannot be held out: the training corpora have ${plural(available, 'usable pair')}`,
    {
      place: { key: `data.${split}.holdOut` },
      hint: `At least half of them must remain for training: hold out at most ${most}, for dev and test together.`,
      exitCode: 2,
    },
  );
}

function tooFewTexts(split: HeldOutSplit, size: number, distinct: number, excluding: boolean): S2sError {
  return new S2sError(
    'hold-out-too-large',
    `${plural(size, 'pair')} cannot be held out: the training corpora have only ${plural(distinct, 'pair')} with ` +
      `different source texts${excluding ? ` that are not in ${split === 'dev' ? 'test' : 'dev'}` : ''}`,
    { place: { key: `data.${split}.holdOut` }, hint: `Hold out at most ${Math.floor(distinct / 2)}.`, exitCode: 2 },
  );
}

/** Hash of what the draws depend on: numbers, seed, and content, format and weights of the corpora. */
async function keyOf(config: TextConfig): Promise<string> {
  const { data, seed, runDirectory } = config;
  const corpora = [...data.train, ...HELD_OUT_SPLITS.flatMap((split) => listedCorpora(data, split))];
  const files = corpora.flatMap(corpusFiles);
  const hashes = await contentHashes(files, data.cacheDirectory ?? path.join(runDirectory, 'cache'));
  if (hashes === undefined) throw await notRegular(data.train);
  const remaining = [...hashes];
  const content = corpora.map(({ sourceColumn, targetColumn, header, delimiter, quote, weight, ...corpus }) => ({
    content: remaining.splice(0, corpusFiles(corpus).length),
    format: corpusFormat(corpus),
    settings: [sourceColumn, targetColumn, header, delimiter, quote, weight],
  }));
  const sizes = HELD_OUT_SPLITS.map((split) => holdOutOf(data, split) ?? null);
  return createHash('sha256')
    .update(JSON.stringify([seed, sizes, content]))
    .digest('hex');
}

async function notRegular(corpora: readonly CorpusConfig[]): Promise<S2sError> {
  for (const file of corpora.flatMap(corpusFiles)) {
    if ((await fileSignature(file)) !== undefined) continue;
    return new S2sError('hold-out-pipe', 'is not a regular file, and holding out pairs reads the text several times', {
      place: { file },
      hint: 'Write the text to a file first, or name dev and test corpora instead of holdOut.',
      exitCode: 2,
    });
  }
  return new S2sError('file-changed', 'the training corpora changed while they were read');
}
