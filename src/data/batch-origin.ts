import type { CorpusConfig } from '../config/schema.js';
import type { Batch } from './batch.js';
import type { PackedCorpus } from './packed.js';
import { sideFile } from './pair.js';
import type { PairPlace } from './summary.js';

/** Batches that a line names: an update may be made of many. */
const MOST_SHOWN = 3;

/** Where a pair of a corpus stands, by its index: the file of the source side, and the line, which of aligned files is that of both. */
export type PlaceOfPair = (pair: number) => Pick<PairPlace, 'file' | 'line'>;

/** The shape of a batch and where its pairs come from: plain data for reports. */
export interface BatchOrigin {
  /** Number of the batch within its epoch, from 1. */
  readonly batch: number;
  readonly sentences: number;
  /** Positions of the longest sentence of each side, `</s>` counted. */
  readonly sourceTime: number;
  readonly targetTime: number;
  /** The pair with the most tokens of both sides together. */
  readonly longest: PairPlace;
  /** The lines of all pairs by file, in ascending order. */
  readonly lines: readonly { readonly file: string; readonly lines: readonly number[] }[];
}

/**
 * The places of the pairs of an encoded corpus.
 *
 * @param corpora those that it was encoded from
 */
export function placesOf(corpus: Pick<PackedCorpus, 'origin'>, corpora: readonly CorpusConfig[]): PlaceOfPair {
  return (pair) => {
    const { corpus: number, line } = corpus.origin(pair);
    return { file: sideFile(corpora[number]!, 'source'), line };
  };
}

/**
 * Says what a batch is made of.
 *
 * @param number of the batch within its epoch, from 1
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

/** The row of a batch with the most tokens of both sides together. */
export function longestRow({ sourceLengths, targetLengths }: Pick<Batch, 'sourceLengths' | 'targetLengths'>): number {
  const lengths = Array.from(sourceLengths, (length, row) => length + targetLengths[row]!);
  return lengths.indexOf(lengths.reduce((most, length) => Math.max(most, length), 0));
}

/** `64 sentences x 30 source x 28 target tokens`, padding and `</s>` counted. */
export function formatShape({
  sentences,
  sourceTime,
  targetTime,
}: Pick<BatchOrigin, 'sentences' | 'sourceTime' | 'targetTime'>): string {
  return `${sentences} sentence${sentences === 1 ? '' : 's'} x ${sourceTime} source x ${targetTime} target tokens`;
}

/** Batches with their shapes and their longest pairs: `batch 3 of epoch 1 (4 sentences x 7 source x 7 target tokens, longest pair at train.de:12)`. */
export function formatBatches(batches: readonly BatchOrigin[], epoch: number): string {
  const shown = batches
    .slice(0, MOST_SHOWN)
    .map(
      (batch) =>
        `batch ${batch.batch} of epoch ${epoch} (${formatShape(batch)}, longest pair at ${batch.longest.file}:${batch.longest.line})`,
    );
  const others = batches.length - shown.length;
  return `${shown.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
}
