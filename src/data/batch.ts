/**
 * One batch of sentence pairs as plain arrays, batch-major, padded with `PAD`.
 *
 * Every source ends in `</s>`. A target `y1..yn` gives decoderInput `<s> y1..yn` and labels `y1..yn </s>`.
 */
export interface Batch {
  /** Number of pairs. */
  readonly batch: number;
  readonly sourceTime: number;
  readonly targetTime: number;
  /** int32 `[batch, sourceTime]` */
  readonly source: Int32Array;
  /** int32 `[batch]`, `</s>` counted */
  readonly sourceLengths: Int32Array;
  /** int32 `[batch, targetTime]` */
  readonly decoderInput: Int32Array;
  /** int32 `[batch, targetTime]` */
  readonly labels: Int32Array;
  /** int32 `[batch]`, `</s>` counted */
  readonly targetLengths: Int32Array;
  /** Index of each pair in the corpus, int32 `[batch]`. */
  readonly indices: Int32Array;
}

/** The size of a batch. */
export interface BatchShape {
  /** Number of pairs. */
  readonly sentences: number;
  /** Positions of the longest sentence of each side, `</s>` counted. */
  readonly sourceTime: number;
  readonly targetTime: number;
}

/** The shape of a batch. */
export function shapeOf({
  batch,
  sourceTime,
  targetTime,
}: Pick<Batch, 'batch' | 'sourceTime' | 'targetTime'>): BatchShape {
  return { sentences: batch, sourceTime, targetTime };
}

/** Where a batch source stands: enough to continue exactly there. */
export interface BatchPosition {
  /** Passes begun over the corpus, from 0. */
  readonly epoch: number;
  /** Batches already taken from this epoch. */
  readonly batch: number;
}

/** A corpus as token ids in memory, without `<s>` and `</s>`. */
export interface EncodedCorpus {
  readonly size: number;
  sourceLength(index: number): number;
  targetLength(index: number): number;
  source(index: number): Int32Array;
  target(index: number): Int32Array;
}
