import { indexPieces, type PieceCounts } from './alphabet.js';

/**
 * All ways to cut the words of a text into candidate pieces: every occurrence of every candidate, as one edge from
 * its start to its end, ordered by start.
 */
export interface Lattices {
  /** Alphabet indices of all words, one after another. */
  readonly text: Int32Array;
  /** Start of each word in `text`, and the end of the last. */
  readonly wordStart: Int32Array;
  /** How often each word occurs. */
  readonly wordCount: Float64Array;
  /** First edge of each place in `text`, and the end of the last. */
  edgeStart: Int32Array;
  /** Candidate and length of each edge. */
  edgePiece: Int32Array;
  edgeLength: Uint8Array;
  /** One occurrence of each candidate; the first `alphabet.length` are the single characters. */
  pieces: Occurrence[];
}

/** Where a candidate stands in the text, and how often. */
export interface Occurrence {
  readonly start: number;
  readonly length: number;
  readonly count: number;
}

/**
 * Candidates for the unigram model: the characters, and all substrings of words that occur `minimumCount` times and
 * are not always followed by the same character (the longer one says it all then, as the inner nodes of a suffix
 * tree do in SentencePiece), at most `limit`, those first that cover most text.
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
      const place = wordStart[word]! + i;
      text[place] = symbol;
      remaining[place] = symbols.length - i;
      weight[place] = count;
    });
  });

  const found: Occurrence[] = options.alphabet.map(() => ({ start: 0, length: 1, count: 0 }));
  const followed: number[] = options.alphabet.map(() => 0);
  // Level by level: a substring is frequent only if it is so without its last and without its first character.
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
    (symbol, place) => (found[symbol] = { start: place, length: 1, count: found[symbol]!.count + weight[place]! }),
  );

  const edgeStart = new Int32Array(size + 1);
  for (const { starts } of levels) for (const start of starts) edgeStart[start + 1]!++;
  for (let place = 0; place < size; place++) edgeStart[place + 1]! += edgeStart[place]!;
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

/** Drops all candidates but those named, which are numbered anew in the order given. */
export function keepPieces(lattices: Lattices, kept: readonly number[]): void {
  const { edgeStart, edgePiece, edgeLength, pieces } = lattices;
  const renumbered = new Int32Array(pieces.length).fill(-1);
  kept.forEach((piece, i) => (renumbered[piece] = i));
  let length = 0;
  let from = 0;
  for (let place = 0; place + 1 < edgeStart.length; place++) {
    const to = edgeStart[place + 1]!;
    for (let edge = from; edge < to; edge++) {
      const piece = renumbered[edgePiece[edge]!]!;
      if (piece < 0) continue;
      edgePiece[length] = piece;
      edgeLength[length++] = edgeLength[edge]!;
    }
    from = to;
    edgeStart[place + 1] = length;
  }
  lattices.edgePiece = edgePiece.slice(0, length);
  lattices.edgeLength = edgeLength.slice(0, length);
  lattices.pieces = kept.map((piece) => pieces[piece]!);
}
