import { indexPieces, type PieceCounts } from './alphabet.js';

/**
 * The segmentation lattices of all words. Each edge is an occurrence of a candidate token; edges are sorted by start
 * position.
 */
export interface Lattices {
  /** Alphabet indices of all words, concatenated. */
  readonly text: Int32Array;
  /** Start of each word in `text`, then the end of the last: [words + 1]. */
  readonly wordStart: Int32Array;
  /** Frequency of each word: [words]. */
  readonly wordCount: Float64Array;
  /** First edge of each position in `text`, then the end of the last: [text + 1]. */
  edgeStart: Int32Array;
  /** Index of the candidate and length of each edge: [edges]. */
  edgePiece: Int32Array;
  edgeLength: Uint8Array;
  /** The candidates; the first `alphabet.length` are the single characters. */
  pieces: Occurrence[];
}

/** A candidate token: one of its occurrences in the text, and its frequency. */
export interface Occurrence {
  readonly start: number;
  readonly length: number;
  readonly count: number;
}

/**
 * Builds the lattices of the seed vocabulary of the unigram model: all characters, and the `limit` substrings that
 * cover the most text among those with at least `minimumCount` occurrences. Substrings always followed by the same
 * character are excluded, as in SentencePiece, whose seeds are the inner nodes of a suffix tree.
 */
export function seedLattices(
  pieces: PieceCounts,
  options: { alphabet: readonly string[]; minimumCount: number; maximumLength: number; limit: number },
): Lattices {
  const words = indexPieces(pieces, options.alphabet);
  const wordStart = new Int32Array(words.length + 1);
  words.forEach(({ symbols }, word) => (wordStart[word + 1] = wordStart[word]! + symbols.length));
  const size = wordStart[words.length]!;
  const text = new Int32Array(size);
  const remaining = new Int32Array(size);
  const weight = new Float64Array(size);
  words.forEach(({ symbols, count }, word) => {
    symbols.forEach((symbol, i) => {
      const position = wordStart[word]! + i;
      text[position] = symbol;
      remaining[position] = symbols.length - i;
      weight[position] = count;
    });
  });

  const found: Occurrence[] = options.alphabet.map(() => ({ start: 0, length: 1, count: 0 }));
  const followed: number[] = options.alphabet.map(() => 0);
  // By increasing length: a substring can be frequent only if its prefix and its suffix are (Apriori).
  const current = Int32Array.from(text);
  const levels: { starts: number[]; nodes: number[] }[] = [{ starts: [...text.keys()], nodes: [...text] }];
  for (let length = 2; length <= options.maximumLength; length++) {
    const candidates = new Map<number, { start: number; count: number; parent: number }>();
    const keys: number[] = [];
    const starts: number[] = [];
    for (const start of levels.at(-1)!.starts) {
      if (remaining[start]! < length || current[start + 1]! < 0) continue;
      const parent = current[start]!;
      const key = parent * options.alphabet.length + text[start + length - 1]!;
      const candidate = candidates.get(key);
      if (candidate === undefined) candidates.set(key, { start, count: weight[start]!, parent });
      else candidate.count += weight[start]!;
      keys.push(key);
      starts.push(start);
    }
    current.fill(-1);
    const nodes = new Map<number, number>();
    for (const [key, { start, count, parent }] of candidates) {
      if (count < options.minimumCount) continue;
      nodes.set(key, found.length);
      found.push({ start, length, count });
      followed.push(0);
      followed[parent] = Math.max(followed[parent]!, count);
    }
    const level: { starts: number[]; nodes: number[] } = { starts: [], nodes: [] };
    keys.forEach((key, i) => {
      const node = nodes.get(key);
      if (node === undefined) return;
      current[starts[i]!] = node;
      level.starts.push(starts[i]!);
      level.nodes.push(node);
    });
    if (level.starts.length === 0) break;
    levels.push(level);
  }
  text.forEach(
    (symbol, position) =>
      (found[symbol] = { start: position, length: 1, count: found[symbol]!.count + weight[position]! }),
  );

  const edgeStart = new Int32Array(size + 1);
  for (const { starts } of levels) for (const start of starts) edgeStart[start + 1]!++;
  for (let position = 0; position < size; position++) edgeStart[position + 1]! += edgeStart[position]!;
  const next = edgeStart.slice();
  const edgePiece = new Int32Array(edgeStart[size]!);
  const edgeLength = new Uint8Array(edgeStart[size]!);
  levels.forEach(({ starts, nodes }, level) => {
    starts.forEach((start, i) => {
      const edge = next[start]!++;
      edgePiece[edge] = nodes[i]!;
      edgeLength[edge] = level + 1;
    });
  });

  const lattices: Lattices = {
    text,
    wordStart,
    wordCount: Float64Array.from(words, ({ count }) => count),
    edgeStart,
    edgePiece,
    edgeLength,
    pieces: found,
  };
  const alphabetSize = options.alphabet.length;
  const worthwhile = found
    .map((_, piece) => piece)
    .filter((piece) => piece >= alphabetSize && followed[piece]! < found[piece]!.count)
    .sort((a, b) => found[b]!.count * found[b]!.length - found[a]!.count * found[a]!.length || a - b)
    .slice(0, options.limit);
  keepPieces(lattices, [...options.alphabet.keys(), ...worthwhile]);
  return lattices;
}

/** Keeps only the given candidates, renumbered in the given order. */
export function keepPieces(lattices: Lattices, kept: readonly number[]): void {
  const { edgeStart, edgePiece, edgeLength, pieces } = lattices;
  const renumbered = new Int32Array(pieces.length).fill(-1);
  kept.forEach((piece, i) => (renumbered[piece] = i));
  let length = 0;
  let from = 0;
  for (let position = 0; position + 1 < edgeStart.length; position++) {
    const to = edgeStart[position + 1]!;
    for (let edge = from; edge < to; edge++) {
      const piece = renumbered[edgePiece[edge]!]!;
      if (piece < 0) continue;
      edgePiece[length] = piece;
      edgeLength[length++] = edgeLength[edge]!;
    }
    from = to;
    edgeStart[position + 1] = length;
  }
  lattices.edgePiece = edgePiece.slice(0, length);
  lattices.edgeLength = edgeLength.slice(0, length);
  lattices.pieces = kept.map((piece) => pieces[piece]!);
}
