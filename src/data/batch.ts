/**
 * A batch of sentence pairs as plain arrays, batch-major, padded with `PAD`.
 *
 * Every source ends in `</s>`. A target `y1..yn` becomes decoderInput `<s> y1..yn` and labels `y1..yn </s>`.
 */
export interface Batch {
  /** Number of pairs. */
  readonly batch: number;
  readonly sourceTime: number;
  readonly targetTime: number;
  /** int32 `[batch, sourceTime]` */
  readonly source: Int32Array;
  /** int32 `[batch]`, `</s>` included */
  readonly sourceLengths: Int32Array;
  /** int32 `[batch, targetTime]` */
  readonly decoderInput: Int32Array;
  /** int32 `[batch, targetTime]` */
  readonly labels: Int32Array;
  /** int32 `[batch]`, `</s>` included */
  readonly targetLengths: Int32Array;
  /** Index of each pair in the corpus, int32 `[batch]`. */
  readonly indices: Int32Array;
}

export interface BatchShape {
  /** Number of pairs. */
  readonly sentences: number;
  /** Padded length of each side, `</s>` included. */
  readonly sourceTime: number;
  readonly targetTime: number;
}

export function shapeOf({
  batch,
  sourceTime,
  targetTime,
}: Pick<Batch, 'batch' | 'sourceTime' | 'targetTime'>): BatchShape {
  return { sentences: batch, sourceTime, targetTime };
}

/** Position in the stream of training batches, as saved in checkpoints. */
export interface BatchPosition {
  /** From 0. */
  readonly epoch: number;
  /** Number of batches of this epoch already consumed. */
  readonly batch: number;
}

/** A corpus as token ids, without `<s>` and `</s>`. */
export interface EncodedCorpus {
  readonly size: number;
  sourceLength(index: number): number;
  targetLength(index: number): number;
  source(index: number): Int32Array;
  target(index: number): Int32Array;
}
