import { S2sError } from '../errors.js';
import { BOS, EOS } from '../vocab/special.js';
import type { Batch, BatchPosition, BatchShape, EncodedCorpus } from './batch.js';
import {
  largestShapes,
  mostDemanding,
  pairsInFirstEpoch,
  planEpoch,
  planEvaluation,
  planStatistics,
  type BatchOptions,
  type EpochPlan,
  type PlannedShape,
  type PlanStatistics,
} from './plan.js';

export type { BatchOptions, PlanStatistics, WeightedRange } from './plan.js';

/** Where the training loop takes its batches from. */
export interface BatchStream {
  /**
   * Waits until `next` has a batch to give.
   * @returns false when the signal aborts first
   */
  ready(signal?: AbortSignal): Promise<boolean>;
  /** The next batch, from the next epoch when this one is used up; without end. */
  next(): Promise<Batch>;
  /** Where the stream stands: what to store so that a resumed run goes on with the batch that `next` would give. */
  readonly position: BatchPosition;
  /**
   * The batches of the first epoch (0), or of the one of the position.
   * @throws RangeError for other epochs, which may not be planned yet
   */
  batchesInEpoch(epoch: number): number;
  /** The batch of the first epoch that needs the most memory, by an estimate for a shape. Does not move the position. */
  largestBatch(memory: (shape: BatchShape) => number): Batch;
  /** Releases what the stream holds; it gives no batches afterwards. */
  close(): Promise<void>;
}

/**
 * Training batches of a corpus, epoch after epoch, in an order that depends only on the corpus and the options.
 *
 * Batches hold sentences of like length and come in random order (see `planEpoch`).
 */
export class BatchSource {
  private current: { epoch: number; plan: EpochPlan } | undefined;
  private epoch = 0;
  private batch = 0;

  /** @throws S2sError `no-pairs` when an epoch would be empty */
  constructor(
    readonly corpus: EncodedCorpus,
    readonly options: BatchOptions,
  ) {
    const pairs = options.ranges === undefined ? corpus.size : pairsInFirstEpoch(options.ranges);
    if (corpus.size === 0 || pairs < 1)
      throw new S2sError('no-pairs', 'There is not one sentence pair to make batches of.');
  }

  get position(): BatchPosition {
    return { epoch: this.epoch, batch: this.batch };
  }

  /**
   * Goes to a stored position.
   * @throws S2sError `position-outside-epoch` when its epoch has fewer batches: corpus or batch size have changed
   */
  seek(position: BatchPosition): void {
    // The start of an epoch is always there; to plan it can wait.
    const batches = position.batch === 0 ? 0 : this.batchesInEpoch(position.epoch);
    if (position.batch > batches) {
      throw new S2sError(
        'position-outside-epoch',
        `Batch ${position.batch} of epoch ${position.epoch} was asked for, but the epoch has ${batches}.`,
        {
          hint: 'The training data or the batch size differ from those of the stored run.',
        },
      );
    }
    this.epoch = position.epoch;
    this.batch = position.batch;
  }

  next(): Batch {
    // A corpus with a tiny weight may show nothing in one epoch, hence the loop.
    while (this.batch >= this.batchesInEpoch(this.epoch)) {
      this.epoch++;
      this.batch = 0;
    }
    return this.at(this.plan(this.epoch), this.batch++);
  }

  batchesInEpoch(epoch: number): number {
    return this.plan(epoch).starts.length - 1;
  }

  /** The largest shapes of the epoch, see `largestShapes`. */
  largestShapes(epoch: number): PlannedShape[] {
    return largestShapes(this.corpus, this.plan(epoch));
  }

  /** Tokens and padding of an epoch. */
  statistics(epoch: number): PlanStatistics {
    return planStatistics(this.corpus, this.plan(epoch));
  }

  private plan(epoch: number): EpochPlan {
    if (this.current?.epoch !== epoch) this.current = { epoch, plan: planEpoch(this.corpus, this.options, epoch) };
    return this.current.plan;
  }

  private at(plan: EpochPlan, number: number): Batch {
    return makeBatch(this.corpus, plan.order.subarray(plan.starts[number]!, plan.starts[number + 1]!));
  }
}

/**
 * Every pair of a corpus exactly once, sentences of like length together, the longest first, always in the same
 * order: for validation and scoring. `Batch.indices` says which pair a row is.
 *
 * @param tokens most source and most target positions in a batch, padding included; a longer pair comes alone
 */
export function* evaluationBatches(corpus: EncodedCorpus, tokens: number): Generator<Batch, void, undefined> {
  const plan = planEvaluation(corpus, tokens);
  for (let i = 0; i + 1 < plan.starts.length; i++) {
    yield makeBatch(corpus, plan.order.subarray(plan.starts[i]!, plan.starts[i + 1]!));
  }
}

/** The largest shapes of `evaluationBatches`, see `largestShapes`. */
export function largestEvaluationShapes(corpus: EncodedCorpus, tokens: number): PlannedShape[] {
  return largestShapes(corpus, planEvaluation(corpus, tokens));
}

/** The batch with the shape that needs the most memory. */
export function largestBatch(
  corpus: EncodedCorpus,
  shapes: readonly PlannedShape[],
  memory: (shape: BatchShape) => number,
): Batch {
  return makeBatch(corpus, mostDemanding(shapes, memory).pairs);
}

/** Pads the given pairs into one batch. All its arrays lie in one buffer, which can be handed to another thread whole. */
export function makeBatch(corpus: EncodedCorpus, indices: ArrayLike<number>): Batch {
  const batch = indices.length;
  let sourceTime = 0;
  let targetTime = 0;
  for (let row = 0; row < batch; row++) {
    sourceTime = Math.max(sourceTime, corpus.sourceLength(indices[row]!) + 1);
    targetTime = Math.max(targetTime, corpus.targetLength(indices[row]!) + 1);
  }
  const made = emptyBatch(batch, sourceTime, targetTime);
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
 * A batch of nothing but padding (id 0), as views of one buffer.
 * @param buffer the buffer of such a batch, to look at it again; a new one when not given
 */
export function emptyBatch(batch: number, sourceTime: number, targetTime: number, buffer?: ArrayBuffer): Batch {
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
