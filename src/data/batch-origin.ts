import type { CorpusConfig } from '../config/schema.js';
import { plural } from '../plural.js';
import type { Batch } from './batch.js';
import type { PackedCorpus } from './packed.js';
import { sideFile } from './pair.js';
import type { PairPlace } from './summary.js';

/** With gradient accumulation, an update has many batches; messages list only the first few. */
const MAX_LISTED = 3;

/** Maps the index of a pair to the file of its source side and the line, which aligned files share. */
export type PlaceOfPair = (pair: number) => Pick<PairPlace, 'file' | 'line'>;

/** The shape of a batch and the corpus lines of its pairs, as plain data for reports. */
export interface BatchOrigin {
  /** Number of the batch within its epoch, from 1. */
  readonly batch: number;
  readonly sentences: number;
  /** Padded length of each side, `</s>` included. */
  readonly sourceTime: number;
  readonly targetTime: number;
  /** The pair with the most source and target tokens in total. */
  readonly longest: PairPlace;
  /** Lines of all pairs, grouped by file, in ascending order. */
  readonly lines: readonly { readonly file: string; readonly lines: readonly number[] }[];
}

/**
 * Looks up where the pairs of an encoded corpus come from.
 *
 * @param corpora the corpora it was encoded from, in the same order
 */
export function placesOf(corpus: Pick<PackedCorpus, 'origin'>, corpora: readonly CorpusConfig[]): PlaceOfPair {
  return (pair) => {
    const { corpus: number, line } = corpus.origin(pair);
    return { file: sideFile(corpora[number]!, 'source'), line };
  };
}

/**
 * Describes a batch: its shape, its longest pair and the lines of all pairs.
 *
 * @param number position of the batch within its epoch, from 1
 */
export function batchOrigin(batch: Batch, number: number, placeOf: PlaceOfPair): BatchOrigin {
  const lines = new Map<string, number[]>();
  for (const pair of batch.indices) {
    const { file, line } = placeOf(pair);
    const found = lines.get(file);
    if (found === undefined) lines.set(file, [line]);
    else found.push(line);
  }
  const row = longestRow(batch);
  return {
    batch: number,
    sentences: batch.batch,
    sourceTime: batch.sourceTime,
    targetTime: batch.targetTime,
    longest: {
      ...placeOf(batch.indices[row]!),
      sourceTokens: batch.sourceLengths[row]! - 1,
      targetTokens: batch.targetLengths[row]! - 1,
    },
    lines: [...lines].map(([file, found]) => ({ file, lines: found.sort((a, b) => a - b) })),
  };
}

/** Index of the row with the most source and target tokens in total. */
export function longestRow({ sourceLengths, targetLengths }: Pick<Batch, 'sourceLengths' | 'targetLengths'>): number {
  const lengths = Array.from(sourceLengths, (length, row) => length + targetLengths[row]!);
  return lengths.indexOf(lengths.reduce((most, length) => Math.max(most, length), 0));
}

/** `64 sentences x 30 source x 28 target tokens`, padding and `</s>` included. */
export function formatShape({
  sentences,
  sourceTime,
  targetTime,
}: Pick<BatchOrigin, 'sentences' | 'sourceTime' | 'targetTime'>): string {
  return `${plural(sentences, 'sentence')} x ${sourceTime} source x ${targetTime} target tokens`;
}

/**
 * Lists batches with their shapes and longest pairs:
 * `batch 3 of epoch 1 (4 sentences x 7 source x 7 target tokens, longest pair at train.de:12)`.
 */
export function formatBatches(batches: readonly BatchOrigin[], epoch: number): string {
  const listed = batches.slice(0, MAX_LISTED).map((batch) => {
    const longest = `longest pair at ${batch.longest.file}:${batch.longest.line}`;
    return `batch ${batch.batch} of epoch ${epoch} (${formatShape(batch)}, ${longest})`;
  });
  const others = batches.length - listed.length;
  return `${listed.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
}
