import { S2sError } from '../errors.js';
import { plural } from '../plural.js';
import { BOS, EOS } from '../vocab/special.js';
import type { Batch, BatchPosition, BatchShape, EncodedCorpus } from './batch.js';
import {
  largestShapes,
  planStatistics,
  shapeWithMostMemory,
  type PlannedShape,
  type PlanStatistics,
} from './plan-shapes.js';
import { pairsInFirstEpoch, planEpoch, planEvaluation, type BatchOptions, type EpochPlan } from './plan.js';

export type { PlanStatistics } from './plan-shapes.js';
export type { BatchOptions, WeightedRange } from './plan.js';

/** An endless stream of training batches. */
export interface BatchStream {
  /**
   * Waits until `next` can return a batch immediately.
   * @returns false if the signal aborts first
   */
  ready(signal?: AbortSignal): Promise<boolean>;
  /** Returns the next batch, starting a new epoch when the current one is exhausted. */
  next(): Promise<Batch>;
  /** Position of the batch that `next` returns; a run resumed from it sees the same batches. */
  readonly position: BatchPosition;
  /**
   * Number of batches in the first (0) or the current epoch.
   * @throws RangeError for any other epoch, which may not be planned yet
   */
  batchesInEpoch(epoch: number): number;
  /** The batch of the first epoch with the largest estimated memory. Does not advance the stream. */
  largestBatch(memory: (shape: BatchShape) => number): Batch;
  /** Releases all resources. `next` and `ready` fail afterwards. */
  close(): Promise<void>;
}

/**
 * Training batches of a corpus, epoch after epoch, in an order that depends only on the corpus and the options.
 *
 * Sentences are bucketed by length, and batches come in random order (see `planEpoch`).
 */
export class BatchSource {
  private current: { epoch: number; plan: EpochPlan } | undefined;
  private epoch = 0;
  private batch = 0;

  /** @throws S2sError `no-pairs` if the first epoch is empty */
  constructor(
    readonly corpus: EncodedCorpus,
    readonly options: BatchOptions,
  ) {
    const pairs = options.ranges === undefined ? corpus.size : pairsInFirstEpoch(options.ranges);
    if (corpus.size === 0 || pairs < 1)
      throw new S2sError('no-pairs', 'The training data has no sentence pairs to make batches from.');
  }

  get position(): BatchPosition {
    return { epoch: this.epoch, batch: this.batch };
  }

  /**
   * Moves to a saved position.
   * @throws S2sError `position-outside-epoch` if the epoch has fewer batches: corpus or batch size have changed
   */
  seek(position: BatchPosition): void {
    // The start of an epoch is always valid, so planning can be deferred.
    const batches = position.batch === 0 ? 0 : this.batchesInEpoch(position.epoch);
    if (position.batch > batches) {
      const available = `the epoch has ${plural(batches, 'batch', 'batches')}`;
      throw new S2sError(
        'position-outside-epoch',
        `Cannot continue at batch ${position.batch} of epoch ${position.epoch}: ${available}.`,
        { hint: 'The training data or the batch size have changed since the position was saved.' },
      );
    }
    this.epoch = position.epoch;
    this.batch = position.batch;
  }

  next(): Batch {
    // With a tiny corpus weight, an epoch may be empty.
    while (this.batch >= this.batchesInEpoch(this.epoch)) {
      this.epoch++;
      this.batch = 0;
    }
    return this.batchAt(this.plan(this.epoch), this.batch++);
  }

  batchesInEpoch(epoch: number): number {
    return this.plan(epoch).starts.length - 1;
  }

  largestShapes(epoch: number): PlannedShape[] {
    return largestShapes(this.corpus, this.plan(epoch));
  }

  statistics(epoch: number): PlanStatistics {
    return planStatistics(this.corpus, this.plan(epoch));
  }

  private plan(epoch: number): EpochPlan {
    if (this.current?.epoch !== epoch) this.current = { epoch, plan: planEpoch(this.corpus, this.options, epoch) };
    return this.current.plan;
  }

  private batchAt(plan: EpochPlan, number: number): Batch {
    return makeBatch(this.corpus, plan.order.subarray(plan.starts[number]!, plan.starts[number + 1]!));
  }
}

/**
 * Batches every pair of a corpus exactly once for validation and scoring, sorted by length, longest first. The order is
 * deterministic; `Batch.indices` maps rows back to pairs.
 *
 * @param tokens maximum source and maximum target tokens per batch, padding included; a longer pair is a batch alone
 */
export function* evaluationBatches(corpus: EncodedCorpus, tokens: number): Generator<Batch, void, undefined> {
  const plan = planEvaluation(corpus, tokens);
  for (let i = 0; i + 1 < plan.starts.length; i++) {
    yield makeBatch(corpus, plan.order.subarray(plan.starts[i]!, plan.starts[i + 1]!));
  }
}

/** `largestShapes` of the batches of `evaluationBatches`. */
export function largestEvaluationShapes(corpus: EncodedCorpus, tokens: number): PlannedShape[] {
  return largestShapes(corpus, planEvaluation(corpus, tokens));
}

/** The batch with the largest estimated memory. */
export function largestBatch(
  corpus: EncodedCorpus,
  shapes: readonly PlannedShape[],
  memory: (shape: BatchShape) => number,
): Batch {
  return makeBatch(corpus, shapeWithMostMemory(shapes, memory).pairs);
}

/** Pads pairs into a batch. All arrays are views of one buffer, so it can be transferred to another thread. */
export function makeBatch(corpus: EncodedCorpus, indices: ArrayLike<number>): Batch {
  const batch = indices.length;
  let sourceTime = 0;
  let targetTime = 0;
  for (let row = 0; row < batch; row++) {
    sourceTime = Math.max(sourceTime, corpus.sourceLength(indices[row]!) + 1);
    targetTime = Math.max(targetTime, corpus.targetLength(indices[row]!) + 1);
  }
  const made = allocateBatch(batch, sourceTime, targetTime);
  for (let row = 0; row < batch; row++) {
    const index = indices[row]!;
    const source = corpus.source(index);
    const target = corpus.target(index);
    made.source.set(source, row * sourceTime);
    made.source[row * sourceTime + source.length] = EOS;
    made.decoderInput[row * targetTime] = BOS;
    made.decoderInput.set(target, row * targetTime + 1);
    made.labels.set(target, row * targetTime);
    made.labels[row * targetTime + target.length] = EOS;
    made.sourceLengths[row] = source.length + 1;
    made.targetLengths[row] = target.length + 1;
    made.indices[row] = index;
  }
  return made;
}

/**
 * Lays out the arrays of a batch as views of one buffer.
 * @param buffer the buffer of an existing batch of this shape; by default a new one, all padding (id 0)
 */
export function allocateBatch(batch: number, sourceTime: number, targetTime: number, buffer?: ArrayBuffer): Batch {
  const sizes = [batch * sourceTime, batch, batch * targetTime, batch * targetTime, batch, batch];
  const memory = buffer ?? new ArrayBuffer(4 * sizes.reduce((a, b) => a + b, 0));
  let offset = 0;
  const [source, sourceLengths, decoderInput, labels, targetLengths, indices] = sizes.map((size) => {
    const view = new Int32Array(memory, offset, size);
    offset += 4 * size;
    return view;
  });
  return {
    batch,
    sourceTime,
    targetTime,
    source: source!,
    sourceLengths: sourceLengths!,
    decoderInput: decoderInput!,
    labels: labels!,
    targetLengths: targetLengths!,
    indices: indices!,
  };
}
