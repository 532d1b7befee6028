import type { BatchShape } from './batch.js';
import type { EpochPlan, PairLengths } from './plan.js';

/** The shape of a batch of a plan, and the pairs of that batch. */
export interface PlannedShape extends BatchShape {
  readonly pairs: Uint32Array;
}

/** Token counts and padding of one epoch. Tokens include `</s>`; positions also include padding. */
export interface PlanStatistics {
  readonly batches: number;
  readonly pairs: number;
  readonly sourceTokens: number;
  readonly targetTokens: number;
  readonly sourcePositions: number;
  readonly targetPositions: number;
  /** Fraction of all source and target positions that are padding, 0 to 1. */
  readonly paddingShare: number;
}

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

/** Sentence lengths are below this, so that two of them pack exactly into a float64 key. */
const LENGTH_LIMIT = 2 ** 26;

/**
 * The Pareto-maximal shapes of a plan in sentences, source length and target length. For any model whose memory or time
 * is monotonic in these, the most expensive batch has one of these shapes.
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
  // In this order a shape can be dominated only by an earlier one.
  for (const shape of [...byTimes.values()].sort((a, b) => positions(b) - positions(a) || a.number - b.number)) {
    if (!largest.some((other) => dominates(other, shape))) largest.push(shape);
  }
  return largest.map(({ number, ...shape }) => ({
    ...shape,
    pairs: plan.order.slice(plan.starts[number]!, plan.starts[number + 1]!),
  }));
}

function dominates(a: BatchShape, b: BatchShape): boolean {
  return a.sentences >= b.sentences && a.sourceTime >= b.sourceTime && a.targetTime >= b.targetTime;
}

/** The shape with the largest estimated memory, the first in case of a tie. */
export function shapeWithMostMemory<Shape extends BatchShape>(
  shapes: readonly Shape[],
  memory: (shape: BatchShape) => number,
): Shape {
  const estimates = shapes.map(memory);
  return shapes[estimates.indexOf(estimates.reduce((most, value) => Math.max(most, value), -Infinity))]!;
}

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
