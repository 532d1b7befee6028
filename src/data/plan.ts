import { Random } from '../random.js';

/** Token counts of the pairs of a corpus, without `<s>` and `</s>`. */
export interface PairLengths {
  readonly size: number;
  sourceLength(index: number): number;
  targetLength(index: number): number;
}

/** Pairs `start` to `end` - 1 of a corpus, each used `weight` times per epoch. */
export interface WeightedRange {
  readonly start: number;
  readonly end: number;
  readonly weight: number;
}

/** Everything besides the corpus that determines the batches of an epoch. */
export interface BatchOptions {
  readonly seed: number;
  /** Batch size in `unit`s. */
  readonly size: number;
  /** Tokens are target tokens, `</s>` and padding included. */
  readonly unit: 'tokens' | 'sentences';
  /** Sampling weights of parts of the corpus. By default every pair is used once per epoch. */
  readonly ranges?: readonly WeightedRange[];
}

/** The batches of one epoch as indices into the corpus. */
export interface EpochPlan {
  /** Pair indices, batch by batch. */
  readonly order: Uint32Array;
  /** Start of each batch in `order`, then the end of the last: [batches + 1]. */
  readonly starts: Uint32Array;
}

/**
 * Plans the batches of one epoch with length bucketing: pairs are shuffled, sorted by length (stably, so pairs of equal
 * length are grouped differently in every epoch) and split into batches, which are then shuffled.
 *
 * A pure function of lengths, options and epoch, so that a resumed run sees the same batches as an uninterrupted one.
 */
export function planEpoch(lengths: PairLengths, options: BatchOptions, epoch: number): EpochPlan {
  const random = new Random(options.seed).derive(`epoch ${epoch}`);
  const pairs = choosePairs(options.ranges ?? [{ start: 0, end: lengths.size, weight: 1 }], options.seed, epoch);
  random.shuffle(pairs);
  // Lengths are increased randomly by up to 1/16. Otherwise rare lengths, those of the longest sentences, would form
  // the same batches in every epoch. On Multi30k this costs one percentage point of padding.
  const sorted = sortByLength(lengths, pairs, (length) => length + random.integer(1 + Math.floor(length / 16)));
  return shuffleBatches(sorted, batchStarts(lengths, sorted, options), random);
}

/** Plans every pair once, longest first, with at most `tokens` source and `tokens` target positions per batch. */
export function planEvaluation(lengths: PairLengths, tokens: number): EpochPlan {
  const longer = Uint32Array.from({ length: lengths.size }, (_, index) =>
    Math.max(lengths.sourceLength(index), lengths.targetLength(index)),
  );
  const both = (index: number) => lengths.sourceLength(index) + lengths.targetLength(index);
  const order = Uint32Array.from(longer.keys()).sort((a, b) => longer[b]! - longer[a]! || both(b) - both(a) || a - b);
  return {
    order,
    starts: splitIntoBatches(lengths, order, { sentences: Infinity, sourcePositions: tokens, targetPositions: tokens }),
  };
}

/** The part of the stream of a range (see `choosePairs`) that an epoch uses: from `first` to `last` - 1. */
function epochSlice({ start, end, weight }: WeightedRange, epoch: number): { first: number; last: number } {
  const size = end - start;
  return { first: Math.round(epoch * weight * size), last: Math.round((epoch + 1) * weight * size) };
}

/** Number of pairs in the first epoch. */
export function pairsInFirstEpoch(ranges: readonly WeightedRange[]): number {
  return ranges.reduce((sum, range) => sum + epochSlice(range, 0).last, 0);
}

/**
 * Selects the pairs of an epoch. Each range is an endless stream of shuffled passes over its pairs, and an epoch takes
 * the next `weight` passes: weight 1 is one pass, 2 are two, and with 0.5 every pair is used once in two epochs.
 */
function choosePairs(ranges: readonly WeightedRange[], seed: number, epoch: number): Uint32Array {
  const parts = ranges.map((range, number) => {
    const size = range.end - range.start;
    const { first, last } = epochSlice(range, epoch);
    const chosen = new Uint32Array(last - first);
    let filled = 0;
    while (filled < chosen.length) {
      const pass = Math.floor((first + filled) / size);
      const offset = first + filled - pass * size;
      const taken = Math.min(size - offset, chosen.length - filled);
      const pairs = Uint32Array.from({ length: size }, (_, i) => range.start + i);
      if (taken < size) new Random(seed).derive(`range ${number} pass ${pass}`).shuffle(pairs);
      chosen.set(pairs.subarray(offset, offset + taken), filled);
      filled += taken;
    }
    return chosen;
  });
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    all.set(part, filled);
    filled += part.length;
  }
  return all;
}

/** Ratio of the longest to the shortest target length of a bucket. */
const BUCKET_WIDTH = 1.1;

/**
 * Sorts pairs stably by target length bucket, then by source length. The source order alternates between ascending and
 * descending, so that a batch across two buckets has sources of similar length.
 *
 * @param jittered maps a length to the randomised length to sort by
 */
function sortByLength(lengths: PairLengths, pairs: Uint32Array, jittered: (length: number) => number): Uint32Array {
  const sourceLengths = Uint32Array.from(pairs, (index) => jittered(lengths.sourceLength(index)));
  const buckets = Uint32Array.from(pairs, (index) =>
    Math.floor(Math.log(jittered(lengths.targetLength(index)) + 1) / Math.log(BUCKET_WIDTH)),
  );
  const longest = largestOf(sourceLengths);
  const bySource = argsort(sourceLengths.map((length, i) => (buckets[i]! % 2 === 0 ? length : longest - length)));
  const byBucket = argsort(bySource.map((i) => buckets[i]!));
  return byBucket.map((i) => pairs[bySource[i]!]!);
}

/** Stable argsort of small non-negative integers (counting sort, linear time). */
function argsort(keys: Uint32Array): Uint32Array {
  const starts = new Uint32Array(largestOf(keys) + 2);
  for (const key of keys) starts[key + 1]!++;
  for (let key = 1; key < starts.length; key++) starts[key]! += starts[key - 1]!;
  const order = new Uint32Array(keys.length);
  for (let i = 0; i < keys.length; i++) order[starts[keys[i]!]!++] = i;
  return order;
}

function largestOf(numbers: Uint32Array): number {
  return numbers.reduce((a, b) => Math.max(a, b), 0);
}

function batchStarts(lengths: PairLengths, order: Uint32Array, options: BatchOptions): Uint32Array {
  if (options.unit === 'sentences')
    return splitIntoBatches(lengths, order, {
      sentences: options.size,
      sourcePositions: Infinity,
      targetPositions: Infinity,
    });
  // The batch size does not limit source tokens, but long sources with short targets could exhaust memory: a batch may
  // have twice the source positions that `size` target tokens have on average in this corpus.
  let sourceTokens = 0;
  let targetTokens = 0;
  for (const index of order) {
    sourceTokens += lengths.sourceLength(index) + 1;
    targetTokens += lengths.targetLength(index) + 1;
  }
  const sourcePositions = 2 * options.size * Math.max(1, sourceTokens / Math.max(1, targetTokens));
  return splitIntoBatches(lengths, order, { sentences: Infinity, sourcePositions, targetPositions: options.size });
}

interface BatchLimits {
  readonly sentences: number;
  readonly sourcePositions: number;
  readonly targetPositions: number;
}

/** Splits pairs greedily into batches within the limits. A pair that exceeds them is a batch alone. */
function splitIntoBatches(lengths: PairLengths, order: Uint32Array, limits: BatchLimits): Uint32Array {
  const starts: number[] = [];
  let pairs = 0;
  let sourceTime = 0;
  let targetTime = 0;
  for (let i = 0; i < order.length; i++) {
    const source = lengths.sourceLength(order[i]!) + 1;
    const target = lengths.targetLength(order[i]!) + 1;
    sourceTime = Math.max(sourceTime, source);
    targetTime = Math.max(targetTime, target);
    const fits =
      pairs < limits.sentences &&
      (pairs + 1) * sourceTime <= limits.sourcePositions &&
      (pairs + 1) * targetTime <= limits.targetPositions;
    if (pairs > 0 && fits) {
      pairs++;
    } else {
      starts.push(i);
      pairs = 1;
      sourceTime = source;
      targetTime = target;
    }
  }
  return Uint32Array.from([...starts, order.length]);
}

/** Shuffles the batches, not the pairs within them. */
function shuffleBatches(order: Uint32Array, starts: Uint32Array, random: Random): EpochPlan {
  const sequence = random.shuffle(Uint32Array.from({ length: starts.length - 1 }, (_, i) => i));
  const shuffled = new Uint32Array(order.length);
  const newStarts = new Uint32Array(starts.length);
  let filled = 0;
  sequence.forEach((batch, position) => {
    const pairs = order.subarray(starts[batch]!, starts[batch + 1]!);
    shuffled.set(pairs, filled);
    filled += pairs.length;
    newStarts[position + 1] = filled;
  });
  return { order: shuffled, starts: newStarts };
}
