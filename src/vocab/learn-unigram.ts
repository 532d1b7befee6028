import type { PieceCounts } from './alphabet.js';
import { keepPieces, seedLattices, type Lattices } from './lattice.js';

/** A token and its log-probability (natural). */
export type ScoredToken = readonly [token: string, score: number];

/** Longest token in characters, as in SentencePiece. */
const MAXIMUM_LENGTH = 16;
/** Candidates at the start, for each token wanted; more would hardly survive the first rounds. */
const SEEDS_PER_TOKEN = 10;
const MINIMUM_SEEDS = 50_000;
/** Share of the candidates that outlive one round of pruning. */
const SHRINKING_FACTOR = 0.75;
const EM_STEPS_PER_ROUND = 2;
/** Expected occurrences of a token are never taken to be fewer, so that its score stays finite. */
const SMALLEST_EXPECTATION = 0.1;
/** Scores are rounded to eight places, so that equal ones stay equal whatever the order of summation. */
const SCORE_PRECISION = 1e8;

/**
 * The unigram language model over subwords (Kudo 2018, as SentencePiece does it): starts from all frequent substrings,
 * fits their probabilities by expectation maximisation over all segmentations of every word, and drops, round by
 * round, those tokens whose loss costs the likelihood least, until `size` are left. Characters always stay.
 *
 * @param options.size tokens to learn, alphabet included; fewer come back when the text has no more candidates
 * @param options.minimumFrequency occurrences that a token of several characters needs
 * @returns tokens by falling score
 */
export function learnUnigram(
  pieces: PieceCounts,
  options: { alphabet: readonly string[]; size: number; minimumFrequency: number },
): ScoredToken[] {
  const { alphabet, size } = options;
  const lattices = seedLattices(pieces, {
    alphabet,
    minimumCount: Math.max(2, options.minimumFrequency),
    maximumLength: MAXIMUM_LENGTH,
    limit: Math.max(MINIMUM_SEEDS, size * SEEDS_PER_TOKEN),
  });
  const total = lattices.pieces.reduce((sum, { count }) => sum + count, 0);
  let scores = Float64Array.from(lattices.pieces, ({ count }) =>
    Math.log(Math.max(count, SMALLEST_EXPECTATION) / total),
  );
  const fit = (): void => {
    for (let step = 0; step < EM_STEPS_PER_ROUND; step++) scores = maximize(expectedCounts(lattices, scores));
  };
  fit();
  while (lattices.pieces.length > size) {
    const kept = piecesToKeep(
      lattices,
      scores,
      alphabet.length,
      Math.max(size, Math.floor(lattices.pieces.length * SHRINKING_FACTOR)),
    );
    keepPieces(lattices, kept);
    scores = Float64Array.from(kept, (piece) => scores[piece]!);
    fit();
  }
  return lattices.pieces
    .map(({ start, length }, piece): ScoredToken => {
      const token = Array.from(lattices.text.subarray(start, start + length), (symbol) => alphabet[symbol]!).join('');
      return [token, Math.round(scores[piece]! * SCORE_PRECISION) / SCORE_PRECISION];
    })
    .sort(([a, scoreA], [b, scoreB]) => scoreB - scoreA || (a < b ? -1 : 1));
}

/**
 * E-step: how often each candidate occurs in the text, in expectation over all segmentations of each word under the
 * present scores (the forward-backward algorithm).
 */
export function expectedCounts(lattices: Lattices, scores: Float64Array): Float64Array {
  const { wordStart, wordCount, edgeStart, edgePiece, edgeLength } = lattices;
  const expected = new Float64Array(lattices.pieces.length);
  const longest = wordStart.reduce((most, start, word) => Math.max(most, (wordStart[word + 1] ?? start) - start), 0);
  const forward = new Float64Array(longest + 1);
  const backward = new Float64Array(longest + 1);
  for (let word = 0; word < wordCount.length; word++) {
    const first = wordStart[word]!;
    const length = wordStart[word + 1]! - first;
    forward.fill(-Infinity, 0, length + 1);
    forward[0] = 0;
    for (let place = 0; place < length; place++) {
      for (let edge = edgeStart[first + place]!; edge < edgeStart[first + place + 1]!; edge++) {
        const end = place + edgeLength[edge]!;
        forward[end] = logAddExp(forward[end]!, forward[place]! + scores[edgePiece[edge]!]!);
      }
    }
    const all = forward[length]!;
    backward[length] = 0;
    for (let place = length - 1; place >= 0; place--) {
      let sum = -Infinity;
      for (let edge = edgeStart[first + place]!; edge < edgeStart[first + place + 1]!; edge++) {
        const piece = edgePiece[edge]!;
        const rest = scores[piece]! + backward[place + edgeLength[edge]!]!;
        sum = logAddExp(sum, rest);
        expected[piece]! += wordCount[word]! * Math.exp(forward[place]! + rest - all);
      }
      backward[place] = sum;
    }
  }
  return expected;
}

/**
 * M-step: log-probabilities under a sparse Dirichlet prior (variational Bayes, as in SentencePiece), which push rare
 * candidates down further than their share of the counts would.
 */
function maximize(expected: Float64Array): Float64Array<ArrayBuffer> {
  const floored = expected.map((count) => Math.max(count, SMALLEST_EXPECTATION));
  const logTotal = digamma(floored.reduce((sum, count) => sum + count, 0));
  return Float64Array.from(floored, (count) => digamma(count) - logTotal);
}

/**
 * Numbers of the candidates to keep: the characters and those whose removal would lower the likelihood of the best
 * segmentations most, were each of their occurrences replaced by its own next best segmentation.
 */
function piecesToKeep(lattices: Lattices, scores: Float64Array, alphabetSize: number, size: number): number[] {
  const counts = bestSegmentationCounts(lattices, scores);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const losses = new Float64Array(lattices.pieces.length);
  for (let piece = alphabetSize; piece < losses.length; piece++) {
    const count = counts[piece]!;
    if (count === 0) continue;
    const { start, length } = lattices.pieces[piece]!;
    const alternative = bestSegmentation(lattices, scores, start, start + length, piece);
    const logTotalWithout = Math.log(total + count * (alternative.length - 1));
    const logProbabilityWithout = alternative.reduce(
      (sum, other) => sum + Math.log(counts[other]! + count) - logTotalWithout,
      0,
    );
    losses[piece] = (count / total) * (Math.log(count / total) - logProbabilityWithout);
  }
  const ranked = Array.from(losses.keys())
    .slice(alphabetSize)
    .sort((a, b) => losses[b]! - losses[a]! || scores[b]! - scores[a]! || a - b);
  return [...Array(alphabetSize).keys(), ...ranked.slice(0, Math.max(0, size - alphabetSize))];
}

/** How often each candidate occurs in the best segmentations of all words. */
function bestSegmentationCounts(lattices: Lattices, scores: Float64Array): Float64Array {
  const counts = new Float64Array(lattices.pieces.length);
  lattices.wordCount.forEach((count, word) => {
    for (const piece of bestSegmentation(lattices, scores, lattices.wordStart[word]!, lattices.wordStart[word + 1]!))
      counts[piece]! += count;
  });
  return counts;
}

/** The most probable segmentation of a stretch of text (Viterbi), last token first, without one of the candidates. */
export function bestSegmentation(
  lattices: Lattices,
  scores: Float64Array,
  start: number,
  end: number,
  without = -1,
): number[] {
  const { edgeStart, edgePiece, edgeLength } = lattices;
  const best = new Float64Array(end - start + 1).fill(-Infinity);
  const last = new Int32Array(end - start + 1);
  best[0] = 0;
  for (let place = start; place < end; place++) {
    const before = best[place - start]!;
    for (let edge = edgeStart[place]!; edge < edgeStart[place + 1]!; edge++) {
      const to = place + edgeLength[edge]!;
      const piece = edgePiece[edge]!;
      if (to > end || piece === without) continue;
      const score = before + scores[piece]!;
      if (score > best[to - start]!) {
        best[to - start] = score;
        last[to - start] = edge;
      }
    }
  }
  const segmentation: number[] = [];
  for (let at = end - start; at > 0;) {
    const edge = last[at]!;
    segmentation.push(edgePiece[edge]!);
    at -= edgeLength[edge]!;
  }
  return segmentation;
}

function logAddExp(a: number, b: number): number {
  if (a === -Infinity) return b;
  return a > b ? a + Math.log1p(Math.exp(b - a)) : b + Math.log1p(Math.exp(a - b));
}

/** Derivative of the logarithm of the gamma function, for x > 0: recurrence to x >= 7, then the asymptotic series. */
function digamma(x: number): number {
  let result = 0;
  for (; x < 7; x++) result -= 1 / x;
  const inverse = 1 / (x - 0.5);
  const square = inverse * inverse;
  return (
    result + Math.log(x - 0.5) + square * (1 / 24 - square * (7 / 960 - square * (31 / 8064 - square * (127 / 30720))))
  );
}
