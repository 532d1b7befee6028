import { indexPieces, type PieceCounts } from './alphabet.js';
import { Heap } from './heap.js';

/** What byte-pair encoding learned. */
export interface BpeVocabulary {
  /** The alphabet, then the result of each merge in the order of learning. */
  readonly tokens: readonly string[];
  /** Pairs in the order in which they are to be merged. */
  readonly merges: readonly (readonly [string, string])[];
}

/** A pair of neighbouring symbols, how often it occurs now, and the words that may hold it. */
interface Pair {
  readonly left: number;
  readonly right: number;
  count: number;
  readonly words: number[];
  /** The last merge that made it more frequent. */
  raisedBy: number;
}

interface Candidate {
  readonly pair: Pair;
  /** The pair's count when it was queued; it may have fallen since. */
  readonly count: number;
}

/** Symbols stay below this, so that a pair of them is one exact number. */
const SYMBOL_LIMIT = 2 ** 24;

/**
 * Byte-pair encoding over characters (Sennrich et al. 2016): merges the most frequent pair of neighbours, again and
 * again. Ties go to the pair with the smaller symbols, as in Hugging Face's trainer, whose merges these are.
 *
 * Counts are kept up to date in the words that a merge touches, and the queue is mended only when a stale entry
 * comes up, so the time goes with the number of changes and not with the size of the text.
 *
 * @param options.size tokens to learn, alphabet included; fewer come back when no pair is left
 * @param options.minimumFrequency occurrences that a pair needs to be merged
 */
export function learnBpe(
  pieces: PieceCounts,
  options: { alphabet: readonly string[]; size: number; minimumFrequency: number },
): BpeVocabulary {
  const words = indexPieces(pieces, options.alphabet);
  const tokens = [...options.alphabet];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: [string, string][] = [];

  const pairs = new Map<number, Pair>();
  let raised: Pair[] = [];
  const change = (left: number, right: number, word: number, difference: number): void => {
    const key = left * SYMBOL_LIMIT + right;
    let pair = pairs.get(key);
    if (pair === undefined) {
      pair = { left, right, count: 0, words: [], raisedBy: -1 };
      pairs.set(key, pair);
    }
    pair.count += difference;
    if (difference < 0) return;
    if (pair.words.at(-1) !== word) pair.words.push(word);
    if (pair.raisedBy !== merges.length) {
      pair.raisedBy = merges.length;
      raised.push(pair);
    }
  };
  const queue = new Heap<Candidate>((a, b) =>
    a.count !== b.count
      ? a.count > b.count
      : a.pair.left !== b.pair.left
        ? a.pair.left < b.pair.left
        : a.pair.right < b.pair.right,
  );
  const enqueueRaised = (): void => {
    for (const pair of raised) if (pair.count > 0) queue.push({ pair, count: pair.count });
    raised = [];
  };

  words.forEach(({ symbols, count }, word) => {
    for (let i = 1; i < symbols.length; i++) change(symbols[i - 1]!, symbols[i]!, word, count);
  });
  enqueueRaised();

  while (tokens.length < options.size) {
    const candidate = queue.pop();
    if (candidate === undefined) break;
    const { pair, count } = candidate;
    if (count !== pair.count) {
      if (pair.count > 0) queue.push({ pair, count: pair.count });
      continue;
    }
    if (count < options.minimumFrequency) break;
    const left = tokens[pair.left]!;
    const right = tokens[pair.right]!;
    merges.push([left, right]);
    // Two merges can make the same string: a+bc and ab+c.
    let merged = ids.get(left + right);
    if (merged === undefined) {
      merged = tokens.length;
      tokens.push(left + right);
      ids.set(left + right, merged);
    }
    for (const word of pair.words) mergeInWord(words[word]!, word, pair, merged, change);
    pairs.delete(pair.left * SYMBOL_LIMIT + pair.right);
    enqueueRaised();
  }
  return { tokens, merges };
}

/** Replaces every occurrence of the pair in a word, from left to right, and tells `change` of each neighbour lost and won. */
function mergeInWord(
  word: { readonly symbols: number[]; readonly count: number },
  index: number,
  pair: Pair,
  merged: number,
  change: (left: number, right: number, word: number, difference: number) => void,
): void {
  const { symbols, count } = word;
  let length = 0;
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] !== pair.left || symbols[i + 1] !== pair.right) {
      symbols[length++] = symbols[i]!;
      continue;
    }
    if (length > 0) {
      change(symbols[length - 1]!, pair.left, index, -count);
      change(symbols[length - 1]!, merged, index, count);
    }
    pair.count -= count;
    if (i + 2 < symbols.length) {
      change(pair.right, symbols[i + 2]!, index, -count);
      change(merged, symbols[i + 2]!, index, count);
    }
    symbols[length++] = merged;
    i++;
  }
  symbols.length = length;
}
