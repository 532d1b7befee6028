import { MAX_TOKEN_CHARACTERS, type PieceCounts } from './alphabet.js';
import { keepPieces, seedLattices, type Lattices } from './lattice.js';

/** A token and its log-probability (natural). */
export type ScoredToken = readonly [token: string, score: number];

/** Seed candidates per token of the final vocabulary; further ones would hardly survive the first rounds. */
const SEEDS_PER_TOKEN = 10;
const MINIMUM_SEEDS = 50_000;
/** Fraction of candidates kept in each pruning round. */
const SHRINKING_FACTOR = 0.75;
const EM_STEPS_PER_ROUND = 2;
/** Lower bound of expected counts, which keeps scores finite. */
const MINIMUM_EXPECTED_COUNT = 0.1;
/** Scores are rounded to eight decimals, so that ties do not depend on the order of summation. */
const SCORE_PRECISION = 1e8;

/**
 * Learns a unigram language model over subwords (Kudo 2018), following SentencePiece: starts from all frequent
 * substrings, fits their probabilities with EM over all segmentations of every word, and in each round prunes the
 * tokens whose removal lowers the likelihood least, until `size` are left. Single characters are never pruned.
 *
 * @param options.size vocabulary size, alphabet included; the result is smaller if there are too few candidates
 * @param options.minimumFrequency minimum frequency of a token of several characters
 * @returns tokens by descending score
 */
export function learnUnigram(
  pieces: PieceCounts,
  options: { alphabet: readonly string[]; size: number; minimumFrequency: number },
): ScoredToken[] {
  const { alphabet, size } = options;
  const lattices = seedLattices(pieces, {
    alphabet,
    minimumCount: Math.max(2, options.minimumFrequency),
    maximumLength: MAX_TOKEN_CHARACTERS,
    limit: Math.max(MINIMUM_SEEDS, size * SEEDS_PER_TOKEN),
  });
  const total = lattices.pieces.reduce((sum, { count }) => sum + count, 0);
  let scores = Float64Array.from(lattices.pieces, ({ count }) =>
    Math.log(Math.max(count, MINIMUM_EXPECTED_COUNT) / total),
  );
  const fit = (): void => {
    for (let step = 0; step < EM_STEPS_PER_ROUND; step++) scores = maximize(expectedCounts(lattices, scores));
  };
  fit();
  while (lattices.pieces.length > size) {
    const kept = selectPieces(
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
 * E-step: the expected count of each candidate over all segmentations of each word under the current scores, computed
 * with the forward-backward algorithm.
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
    for (let position = 0; position < length; position++) {
      for (let edge = edgeStart[first + position]!; edge < edgeStart[first + position + 1]!; edge++) {
        const end = position + edgeLength[edge]!;
        forward[end] = logAddExp(forward[end]!, forward[position]! + scores[edgePiece[edge]!]!);
      }
    }
    const all = forward[length]!;
    backward[length] = 0;
    for (let position = length - 1; position >= 0; position--) {
      let sum = -Infinity;
      for (let edge = edgeStart[first + position]!; edge < edgeStart[first + position + 1]!; edge++) {
        const piece = edgePiece[edge]!;
        const rest = scores[piece]! + backward[position + edgeLength[edge]!]!;
        sum = logAddExp(sum, rest);
        expected[piece]! += wordCount[word]! * Math.exp(forward[position]! + rest - all);
      }
      backward[position] = sum;
    }
  }
  return expected;
}

/**
 * M-step: log-probabilities under a sparse Dirichlet prior (variational Bayes, as in SentencePiece), which lowers the
 * scores of rare candidates more than maximum likelihood does.
 */
function maximize(expected: Float64Array): Float64Array<ArrayBuffer> {
  const floored = expected.map((count) => Math.max(count, MINIMUM_EXPECTED_COUNT));
  const logTotal = digamma(floored.reduce((sum, count) => sum + count, 0));
  return Float64Array.from(floored, (count) => digamma(count) - logTotal);
}

/**
 * Selects the candidates to keep: all characters, and the candidates with the largest loss. The loss is the decrease in
 * likelihood of the Viterbi segmentations if every occurrence of the candidate is segmented without it.
 */
function selectPieces(lattices: Lattices, scores: Float64Array, alphabetSize: number, size: number): number[] {
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

/** The count of each candidate in the Viterbi segmentations of all words. */
function bestSegmentationCounts(lattices: Lattices, scores: Float64Array): Float64Array {
  const counts = new Float64Array(lattices.pieces.length);
  lattices.wordCount.forEach((count, word) => {
    for (const piece of bestSegmentation(lattices, scores, lattices.wordStart[word]!, lattices.wordStart[word + 1]!))
      counts[piece]! += count;
  });
  return counts;
}

/** The Viterbi segmentation of `text` from `start` to `end`, last token first, without the candidate `without`. */
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
  for (let position = start; position < end; position++) {
    const before = best[position - start]!;
    for (let edge = edgeStart[position]!; edge < edgeStart[position + 1]!; edge++) {
      const to = position + edgeLength[edge]!;
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

/** The digamma function for x > 0: recurrence to x >= 7, then the asymptotic series. */
function digamma(x: number): number {
  let result = 0;
  for (; x < 7; x++) result -= 1 / x;
  const inverse = 1 / (x - 0.5);
  const square = inverse * inverse;
  return (
    result + Math.log(x - 0.5) + square * (1 / 24 - square * (7 / 960 - square * (31 / 8064 - square * (127 / 30720))))
  );
}
