import { Random } from '../random.js';
import type { BatchShape } from './batch.js';

/** Number of pairs and the tokens of each side of every pair, `<s>` and `</s>` not counted. */
export interface PairLengths {
  readonly size: number;
  sourceLength(index: number): number;
  targetLength(index: number): number;
}

/** Pairs `start` to `end` - 1 of a corpus, each shown `weight` times an epoch. */
export interface WeightedRange {
  readonly start: number;
  readonly end: number;
  readonly weight: number;
}

/** What decides the batches of every epoch. */
export interface BatchOptions {
  readonly seed: number;
  /** Size of a batch, in `unit`s. */
  readonly size: number;
  /** Target tokens, `</s>` and padding included, or sentences. */
  readonly unit: 'tokens' | 'sentences';
  /** Share of each part of the corpus in an epoch; without it every pair is shown once. */
  readonly ranges?: readonly WeightedRange[];
}

/** The batches of one epoch as indices into the corpus. */
export interface EpochPlan {
  /** Pairs in the order in which they are shown, batch by batch. */
  readonly order: Uint32Array;
  /** Where each batch starts in `order`, and its end: one number more than there are batches. */
  readonly starts: Uint32Array;
}

/** A shape that occurs in a plan, and the pairs of a batch that has it. */
export interface PlannedShape extends BatchShape {
  readonly pairs: Uint32Array;
}

/** How full the batches of one epoch are. Tokens are real ones, `</s>` counted; positions include padding. */
export interface PlanStatistics {
  readonly batches: number;
  readonly pairs: number;
  readonly sourceTokens: number;
  readonly targetTokens: number;
  readonly sourcePositions: number;
  readonly targetPositions: number;
  /** Share of all source and target positions that hold padding, 0 to 1. */
  readonly paddingShare: number;
}

/**
 * The batches of one epoch, bucketed by length: the pairs are shuffled, sorted by length, cut into batches, and the
 * batches shuffled. Pairs of the same lengths stay in random order under the sort, so that every epoch puts other
 * sentences together.
 *
 * A pure function of lengths, options and epoch: this is what makes a resumed run see the batches of an unbroken one.
 */
export function planEpoch(lengths: PairLengths, options: BatchOptions, epoch: number): EpochPlan {
  const random = new Random(options.seed).derive(`epoch ${epoch}`);
  const pairs = choosePairs(options.ranges ?? [{ start: 0, end: lengths.size, weight: 1 }], options.seed, epoch);
  random.shuffle(pairs);
  // Lengths are raised by up to a sixteenth. Rare lengths, those of the longest sentences, would else make the same batches in
  // every epoch; on Multi30k this costs one percentage point of padding.
  const sorted = sortByLength(lengths, pairs, (length) => length + random.integer(1 + Math.floor(length / 16)));
  return shuffleBatches(sorted, cutBatches(lengths, sorted, options), random);
}

/** Every pair once, in batches of at most `tokens` source and `tokens` target positions, the longest pairs first. */
export function planEvaluation(lengths: PairLengths, tokens: number): EpochPlan {
  const longer = Uint32Array.from({ length: lengths.size }, (_, index) =>
    Math.max(lengths.sourceLength(index), lengths.targetLength(index)),
  );
  const both = (index: number) => lengths.sourceLength(index) + lengths.targetLength(index);
  const order = Uint32Array.from(longer.keys()).sort((a, b) => longer[b]! - longer[a]! || both(b) - both(a) || a - b);
  return {
    order,
    starts: cut(lengths, order, { sentences: Infinity, sourcePositions: tokens, targetPositions: tokens }),
  };
}

/** Counts tokens and padding of a plan. */
export function planStatistics(lengths: PairLengths, plan: EpochPlan): PlanStatistics {
  let sourceTokens = 0;
  let targetTokens = 0;
  let sourcePositions = 0;
  let targetPositions = 0;
  for (let batch = 0; batch + 1 < plan.starts.length; batch++) {
    const shape = batchShape(lengths, plan, batch);
    sourcePositions += shape.sentences * shape.sourceTime;
    targetPositions += shape.sentences * shape.targetTime;
  }
  for (const index of plan.order) {
    sourceTokens += lengths.sourceLength(index) + 1;
    targetTokens += lengths.targetLength(index) + 1;
  }
  const positions = sourcePositions + targetPositions;
  return {
    batches: plan.starts.length - 1,
    pairs: plan.order.length,
    sourceTokens,
    targetTokens,
    sourcePositions,
    targetPositions,
    paddingShare: positions === 0 ? 0 : 1 - (sourceTokens + targetTokens) / positions,
  };
}

/** Sentence lengths are below this, so that a pair of them fits exactly into a float64. */
const LENGTH_LIMIT = 2 ** 26;

/**
 * The largest shapes of a plan: those for which no other shape has at least as many sentences, source positions and
 * target positions. The batch that needs the most memory or time has one of them, whatever the model is, as long as its
 * needs do not fall when a dimension grows.
 */
export function largestShapes(lengths: PairLengths, plan: EpochPlan): PlannedShape[] {
  const byTimes = new Map<number, BatchShape & { readonly number: number }>();
  for (let number = 0; number + 1 < plan.starts.length; number++) {
    const shape = batchShape(lengths, plan, number);
    const key = shape.sourceTime * LENGTH_LIMIT + shape.targetTime;
    if (shape.sentences > (byTimes.get(key)?.sentences ?? 0)) byTimes.set(key, { ...shape, number });
  }
  const positions = ({ sentences, sourceTime, targetTime }: BatchShape): number =>
    sentences * (sourceTime + targetTime);
  const largest: (BatchShape & { readonly number: number })[] = [];
  // No shape exceeds one with more positions, so every shape is compared with those kept before it only.
  for (const shape of [...byTimes.values()].sort((a, b) => positions(b) - positions(a) || a.number - b.number)) {
    if (!largest.some((other) => exceeds(other, shape))) largest.push(shape);
  }
  return largest.map(({ number, ...shape }) => ({
    ...shape,
    pairs: plan.order.slice(plan.starts[number]!, plan.starts[number + 1]!),
  }));
}

function exceeds(a: BatchShape, b: BatchShape): boolean {
  return a.sentences >= b.sentences && a.sourceTime >= b.sourceTime && a.targetTime >= b.targetTime;
}

/** The shape with the largest need, the first one where several have it. */
export function mostDemanding<Shape extends BatchShape>(
  shapes: readonly Shape[],
  need: (shape: BatchShape) => number,
): Shape {
  const needs = shapes.map(need);
  return shapes[needs.indexOf(needs.reduce((most, value) => Math.max(most, value), -Infinity))]!;
}

/** The shape of one batch of a plan. */
function batchShape(lengths: PairLengths, plan: EpochPlan, batch: number): BatchShape {
  const start = plan.starts[batch]!;
  const end = plan.starts[batch + 1]!;
  let sourceTime = 0;
  let targetTime = 0;
  for (let i = start; i < end; i++) {
    sourceTime = Math.max(sourceTime, lengths.sourceLength(plan.order[i]!) + 1);
    targetTime = Math.max(targetTime, lengths.targetLength(plan.order[i]!) + 1);
  }
  return { sentences: end - start, sourceTime, targetTime };
}

/** Which of the endless stream of a range's pairs an epoch shows: from `first` to `last` - 1. */
function shownPairs({ start, end, weight }: WeightedRange, epoch: number): { first: number; last: number } {
  const size = end - start;
  return { first: Math.round(epoch * weight * size), last: Math.round((epoch + 1) * weight * size) };
}

/** Pairs that the first epoch shows. */
export function pairsInFirstEpoch(ranges: readonly WeightedRange[]): number {
  return ranges.reduce((sum, range) => sum + shownPairs(range, 0).last, 0);
}

/**
 * The pairs of an epoch. Each range is an endless stream of shuffled passes over its pairs, of which an epoch takes
 * the next `weight` times as many as there are pairs: weight 1 is one whole pass, 2 are two, and at 0.5 two epochs
 * together show every pair once.
 */
function choosePairs(ranges: readonly WeightedRange[], seed: number, epoch: number): Uint32Array {
  const parts = ranges.map((range, number) => {
    const size = range.end - range.start;
    const { first, last } = shownPairs(range, epoch);
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

/** Targets in one bucket differ in length by at most this factor. */
const BUCKET_WIDTH = 1.1;

/**
 * The pairs by bucket of like target lengths, those of one bucket by source length, equal ones in the order given.
 * Every other bucket runs from long sources to short ones, so that a batch across two buckets finds like sources at
 * the end of one and the start of the next.
 *
 * @param blurred gives the length to sort by in place of the true one
 */
function sortByLength(lengths: PairLengths, pairs: Uint32Array, blurred: (length: number) => number): Uint32Array {
  const sourceLengths = Uint32Array.from(pairs, (index) => blurred(lengths.sourceLength(index)));
  const buckets = Uint32Array.from(pairs, (index) =>
    Math.floor(Math.log(blurred(lengths.targetLength(index)) + 1) / Math.log(BUCKET_WIDTH)),
  );
  const longest = largestOf(sourceLengths);
  const bySource = sortPlaces(
    sourceLengths.map((length, place) => (buckets[place]! % 2 === 0 ? length : longest - length)),
  );
  const byBucket = sortPlaces(bySource.map((place) => buckets[place]!));
  return byBucket.map((place) => pairs[bySource[place]!]!);
}

/** The places of small non-negative integers in ascending order of these, equal ones as they stand; linear time. */
function sortPlaces(keys: Uint32Array): Uint32Array {
  const starts = new Uint32Array(largestOf(keys) + 2);
  for (const key of keys) starts[key + 1]!++;
  for (let key = 1; key < starts.length; key++) starts[key]! += starts[key - 1]!;
  const places = new Uint32Array(keys.length);
  for (let place = 0; place < keys.length; place++) places[starts[keys[place]!]!++] = place;
  return places;
}

function largestOf(numbers: Uint32Array): number {
  return numbers.reduce((a, b) => Math.max(a, b), 0);
}

function cutBatches(lengths: PairLengths, order: Uint32Array, options: BatchOptions): Uint32Array {
  if (options.unit === 'sentences')
    return cut(lengths, order, { sentences: options.size, sourcePositions: Infinity, targetPositions: Infinity });
  // Sources have no size of their own in the settings, but long ones beside short targets would outgrow memory
  // unseen: a batch may have twice the source positions that belong to `size` target tokens in this corpus.
  let sourceTokens = 0;
  let targetTokens = 0;
  for (const index of order) {
    sourceTokens += lengths.sourceLength(index) + 1;
    targetTokens += lengths.targetLength(index) + 1;
  }
  const sourcePositions = 2 * options.size * Math.max(1, sourceTokens / Math.max(1, targetTokens));
  return cut(lengths, order, { sentences: Infinity, sourcePositions, targetPositions: options.size });
}

interface BatchLimits {
  readonly sentences: number;
  readonly sourcePositions: number;
  readonly targetPositions: number;
}

/** Cuts pairs into batches as large as the limits allow; a pair that exceeds them alone is a batch alone. */
function cut(lengths: PairLengths, order: Uint32Array, limits: BatchLimits): Uint32Array {
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

/** Puts the batches, not the pairs in them, in a random order. */
function shuffleBatches(order: Uint32Array, starts: Uint32Array, random: Random): EpochPlan {
  const sequence = random.shuffle(Uint32Array.from({ length: starts.length - 1 }, (_, i) => i));
  const shuffled = new Uint32Array(order.length);
  const newStarts = new Uint32Array(starts.length);
  let filled = 0;
  sequence.forEach((batch, place) => {
    const pairs = order.subarray(starts[batch]!, starts[batch + 1]!);
    shuffled.set(pairs, filled);
    filled += pairs.length;
    newStarts[place + 1] = filled;
  });
  return { order: shuffled, starts: newStarts };
}
