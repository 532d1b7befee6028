import { hash } from 'node:crypto';
import { comparableText } from './comparable-text.js';
import type { Pair } from './pair.js';

/** Hexadecimal digits of a hash that a number represents exactly. */
const HASH_DIGITS = 13;
/** Candidates are sorted out when there are this many times as many as needed. */
const MAX_SURPLUS = 2;
const LEAST_CANDIDATES = 1024;

export interface DrawOptions {
  /** Number of pairs to draw. */
  readonly size: number;
  readonly seed: number;
  /** Name of the draw: draws with different names are independent. */
  readonly name: string;
  /** Sampling weight of each corpus: with weight 2, its pairs are drawn twice as often. Default: 1. */
  readonly weights: readonly (number | undefined)[];
  /** Texts, as `comparableText` returns them, that no drawn pair may have on that side. */
  readonly excluded: { readonly sources: ReadonlySet<string>; readonly targets: ReadonlySet<string> };
}

export interface DrawnPairs {
  /** In the order of the corpora; no two have the same source text. */
  readonly pairs: readonly Pair[];
  /** Number of pairs that could have been drawn, those with the same source text included. */
  readonly available: number;
}

interface Candidate {
  readonly rank: number;
  /** Orders pairs with the same source text. */
  readonly targetHash: number;
  readonly pair: Pair;
}

/**
 * Draws pairs of distinct, non-blank source texts. Each source text has a rank that depends only on it, the seed and
 * the weight, and the lowest ranks are drawn. So the drawn texts do not depend on the order of the text, and few change
 * if text is added.
 *
 * Ranks are exponential variates with the weight as their rate: a weighted sample without replacement (Efraimidis and
 * Spirakis, "Weighted random sampling with a reservoir", 2006). Holds about `MAX_SURPLUS * size` pairs in memory.
 */
export async function drawPairs(
  blocks: AsyncIterable<readonly Pair[]>,
  { size, seed, name, weights, excluded }: DrawOptions,
): Promise<DrawnPairs> {
  let candidates = new Map<string, Candidate>();
  let limit = Infinity;
  let available = 0;
  const lowest = (): [string, Candidate][] =>
    [...candidates].sort(([, a], [, b]) => a.rank - b.rank || a.targetHash - b.targetHash).slice(0, size);

  for await (const block of blocks) {
    for (const pair of block) {
      const source = comparableText(pair.source);
      const target = comparableText(pair.target);
      if (source === '' || target === '' || excluded.sources.has(source) || excluded.targets.has(target)) continue;
      available++;
      const rank = -Math.log(uniformOf(`${seed}/${name}/${source}`)) / (weights[pair.corpus] ?? 1);
      if (rank > limit) continue;
      const candidate = { rank, targetHash: uniformOf(`${seed}/${name}/${source}/${target}`), pair };
      const other = candidates.get(source);
      if (other === undefined || isBefore(candidate, other)) candidates.set(source, candidate);
      if (candidates.size <= Math.max(LEAST_CANDIDATES, MAX_SURPLUS * size)) continue;
      const kept = lowest();
      limit = kept.at(-1)![1].rank;
      candidates = new Map(kept);
    }
  }
  const pairs = lowest().map(([, { pair }]) => pair);
  return { pairs: pairs.sort((a, b) => a.corpus - b.corpus || a.line - b.line), available };
}

function isBefore(a: Candidate, b: Candidate): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.targetHash < b.targetHash);
}

/** A number in (0, 1) that looks random but depends only on the text. */
function uniformOf(text: string): number {
  return (parseInt(hash('sha256', text).slice(0, HASH_DIGITS), 16) + 0.5) / 16 ** HASH_DIGITS;
}
