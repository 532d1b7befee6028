import type { CorpusConfig } from '../config/schema.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { cacheFile, readCache, writeCache } from './cache.js';
import { contentHashes, fileSignature } from './content-hash.js';
import type { ShiftedRows } from './column-counts.js';
import { readPairs } from './corpus.js';
import { filterNotesSchema, PairFilter, type LengthLimits } from './filter.js';
import { OddCharacters } from './odd-characters.js';
import { PackedCorpusBuilder, type PackedCorpus } from './packed.js';
import { corpusFiles, corpusFormat } from './pair.js';
import type { WeightedRange } from './plan.js';
import type { ReadSplit } from './split.js';
import { summarize, type FilterSummary } from './summary.js';
import { describeSystemError, isSystemError } from '../system-errors.js';
import type { LinePolicy } from './unusable-lines.js';

/** Progress of loading a split. */
export type DataEvent =
  | { readonly type: 'encoding'; readonly split: string; /** Pairs read so far. */ readonly pairs: number }
  | { readonly type: 'cache-unusable'; readonly split: string; readonly file: string; readonly reason: string }
  | { readonly type: 'cache-unwritable'; readonly split: string; readonly file: string; readonly reason: string }
  | {
      readonly type: 'loaded';
      readonly split: string;
      readonly summary: FilterSummary;
      readonly fromCache: boolean;
      readonly elapsedMs: number;
    };

export interface EncodeOptions {
  readonly corpora: readonly CorpusConfig[];
  readonly tokenizers: TokenizerPair;
  /** Pairs that exceed these are dropped. By default every pair is kept, including empty ones. */
  readonly limits?: LengthLimits | undefined;
  /** What is done about lines that cannot be used. Default: they are errors. */
  readonly lines?: LinePolicy | undefined;
  /** Cache folder. By default nothing is cached. */
  readonly cacheDirectory?: string | undefined;
  /**
   * Reads the pairs and reports those that it leaves out. By default all pairs of the corpora are read.
   */
  readonly read?: ReadSplit | undefined;
  /** What `read` depends on besides the corpora; part of the cache key. */
  readonly selection?: string | undefined;
  /** Name of the split, for events. */
  readonly split?: string;
  readonly onEvent?: (event: DataEvent) => void;
}

export interface LoadedCorpus {
  readonly corpus: PackedCorpus;
  readonly summary: FilterSummary;
  /** Index range and sampling weight of each corpus, for `BatchSource`. */
  readonly ranges: readonly WeightedRange[];
}

/**
 * Loads corpora as token ids, from the cache if file contents, tokenizers and settings are unchanged.
 *
 * @throws S2sError if a file cannot be read or its text is invalid (see `readPairs`)
 */
export async function loadEncodedCorpus(options: EncodeOptions): Promise<LoadedCorpus> {
  const started = performance.now();
  const { corpora, cacheDirectory, split = 'data' } = options;
  const emit = options.onEvent ?? (() => undefined);
  const finish = (corpus: PackedCorpus, fromCache: boolean): LoadedCorpus => {
    const summary = summarize(filterNotesSchema.parse(corpus.notes), corpora, countEmpty(corpus));
    emit({ type: 'loaded', split, summary, fromCache, elapsedMs: performance.now() - started });
    return { corpus, summary, ranges: weightedRanges(corpus, corpora) };
  };

  const files = corpora.flatMap(corpusFiles);
  const before = await signatures(files);
  const hashes = cacheDirectory === undefined ? undefined : await contentHashes(files, cacheDirectory);
  if (cacheDirectory === undefined || hashes === undefined) return finish(await encode(options, ''), false);

  const key = contentKey(options, hashes);
  const file = cacheFile(cacheDirectory, key);
  const cached = await readCache(file, key);
  if (cached.corpus !== undefined) return finish(cached.corpus, true);
  if (cached.problem !== undefined) emit({ type: 'cache-unusable', split, file, reason: cached.problem });

  const corpus = await encode(options, key);
  try {
    // Text that changed after hashing must not be cached under the old key.
    if ((await signatures(files)) === before) await writeCache(file, corpus);
    else emit({ type: 'cache-unwritable', split, file, reason: 'a data file changed while it was read' });
  } catch (error) {
    emit({ type: 'cache-unwritable', split, file, reason: `cannot be written: ${explain(error)}` });
  }
  return finish(corpus, false);
}

function explain(error: unknown): string {
  return isSystemError(error) ? describeSystemError(error) : String(error);
}

async function encode(
  { corpora, tokenizers, limits, lines, read, split = 'data', onEvent }: EncodeOptions,
  key: string,
): Promise<PackedCorpus> {
  const odd = new OddCharacters();
  const filter = new PairFilter(limits);
  const builder = new PackedCorpusBuilder(
    { source: tokenizers.source.vocabularySize, target: tokenizers.target.vocabularySize },
    corpora.length,
  );
  const shiftedRows: ShiftedRows[] = [];
  const onShiftedRows = (shifted: ShiftedRows): void => void shiftedRows.push(shifted);
  let pairs = 0;
  const readAll: ReadSplit = (characters, events) => readPairs(corpora, characters, { lines, ...events });
  for await (const block of (read ?? readAll)(odd, { onShiftedRows, onLeftOut: (reason) => filter.drop(reason) })) {
    const [sources, targets] = await Promise.all([
      tokenizers.source.encodeBatch(block.map((pair) => pair.source)),
      tokenizers.target.encodeBatch(block.map((pair) => pair.target)),
    ]);
    block.forEach((pair, i) => {
      const source = sources[i]!;
      const target = targets[i]!;
      if (pair.unusable !== undefined) filter.drop(pair.unusable);
      else if (filter.accept(pair, source, target)) builder.add(source, target, pair.corpus, pair.line);
    });
    pairs += block.length;
    onEvent?.({ type: 'encoding', split, pairs });
  }
  return builder.build(key, filter.notes(odd.counts, shiftedRows));
}

function countEmpty(corpus: PackedCorpus): number {
  let empty = 0;
  for (let pair = 0; pair < corpus.size; pair++)
    if (corpus.sourceLength(pair) === 0 || corpus.targetLength(pair) === 0) empty++;
  return empty;
}

/** Version of the statistics in the cache. */
const NOTES_VERSION = 2;

/** Cache key of everything the encoded corpus depends on; paths and weights are not part of it. */
function contentKey(
  { corpora, tokenizers, limits, lines, selection }: EncodeOptions,
  hashes: readonly string[],
): string {
  const remaining = [...hashes];
  return JSON.stringify({
    notes: NOTES_VERSION,
    lines: lines === undefined ? 'refuse' : [lines.longLine, lines.invalidUtf8],
    corpora: corpora.map((corpus) => ({
      content: remaining.splice(0, corpusFiles(corpus).length),
      format: corpusFormat(corpus),
      sourceColumn: corpus.sourceColumn,
      targetColumn: corpus.targetColumn,
      header: corpus.header,
      delimiter: corpus.delimiter,
      quote: corpus.quote,
    })),
    // Notices name settings that s2s ignores but earlier versions followed, so they distinguish their caches.
    tokenizers: [tokenizers.source, tokenizers.target].map(({ fingerprint, notices }) =>
      [fingerprint, ...notices].join('; '),
    ),
    limits: limits === undefined ? 'none' : [limits.maxSourceLength, limits.maxTargetLength, limits.maxLengthRatio],
    selection,
  });
}

function weightedRanges(corpus: PackedCorpus, corpora: readonly CorpusConfig[]): WeightedRange[] {
  let start = 0;
  return corpus.corpusSizes.map((size, number) => {
    const range = { start, end: start + size, weight: corpora[number]?.weight ?? 1 };
    start += size;
    return range;
  });
}

async function signatures(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map(fileSignature))).map((signature) => signature?.text).join('|');
}
