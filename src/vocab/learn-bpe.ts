import { indexPieces, MAX_TOKEN_CHARACTERS, type PieceCounts } from './alphabet.js';
import { Heap } from './heap.js';

/** A learned BPE vocabulary. */
export interface BpeVocabulary {
  /** The alphabet, then the merged tokens in learning order. */
  readonly tokens: readonly string[];
  /** Merges, in order of priority. */
  readonly merges: readonly (readonly [string, string])[];
}

/** A pair of adjacent symbols, its current frequency, and the words that may contain it. */
interface Pair {
  readonly left: number;
  readonly right: number;
  count: number;
  readonly words: number[];
  /** Index of the last merge that increased its frequency. */
  increasedBy: number;
}

interface Candidate {
  readonly pair: Pair;
  /** Count of the pair when queued; it may have decreased since. */
  readonly count: number;
}

/** Upper bound of symbols, so that a pair of them packs exactly into a float64 key. */
const SYMBOL_LIMIT = 2 ** 24;

/**
 * Learns byte-pair encoding over characters (Sennrich et al. 2016) by repeatedly merging the most frequent pair of
 * adjacent symbols. Ties are broken by the smaller symbols. Pairs longer than `maximumLength` are not merged, so
 * that a line without spaces (a ruler, base64) does not fill the vocabulary with its pieces. The merges are identical
 * to those of the Hugging Face `BpeTrainer` with that `max_token_length`.
 *
 * Counts are updated only in the words affected by a merge, and stale queue entries are corrected lazily, so the time
 * depends on the number of changes and not on the size of the text.
 *
 * @param options.size vocabulary size, alphabet included; the result is smaller if no pairs are left
 * @param options.minimumFrequency minimum frequency of a pair to be merged
 * @param options.maximumLength maximum length of a merged token in characters; default: `MAX_TOKEN_CHARACTERS`
 */
export function learnBpe(
  pieces: PieceCounts,
  options: { alphabet: readonly string[]; size: number; minimumFrequency: number; maximumLength?: number },
): BpeVocabulary {
  const { maximumLength = MAX_TOKEN_CHARACTERS } = options;
  const words = indexPieces(pieces, options.alphabet);
  const tokens = [...options.alphabet];
  const lengths = tokens.map(() => 1);
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: [string, string][] = [];

  const pairs = new Map<number, Pair>();
  let increased: Pair[] = [];
  const change = (left: number, right: number, word: number, difference: number): void => {
    if (lengths[left]! + lengths[right]! > maximumLength) return;
    const key = left * SYMBOL_LIMIT + right;
    let pair = pairs.get(key);
    if (pair === undefined) {
      pair = { left, right, count: 0, words: [], increasedBy: -1 };
      pairs.set(key, pair);
    }
    pair.count += difference;
    if (difference < 0) return;
    if (pair.words.at(-1) !== word) pair.words.push(word);
    if (pair.increasedBy !== merges.length) {
      pair.increasedBy = merges.length;
      increased.push(pair);
    }
  };
  const queue = new Heap<Candidate>((a, b) =>
    a.count !== b.count
      ? a.count > b.count
      : a.pair.left !== b.pair.left
        ? a.pair.left < b.pair.left
        : a.pair.right < b.pair.right,
  );
  const enqueueIncreased = (): void => {
    for (const pair of increased) if (pair.count > 0) queue.push({ pair, count: pair.count });
    increased = [];
  };

  words.forEach(({ symbols, count }, word) => {
    for (let i = 1; i < symbols.length; i++) change(symbols[i - 1]!, symbols[i]!, word, count);
  });
  enqueueIncreased();

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
    // Different merges can produce the same token: a+bc and ab+c.
    let merged = ids.get(left + right);
    if (merged === undefined) {
      merged = tokens.length;
      tokens.push(left + right);
      lengths.push(lengths[pair.left]! + lengths[pair.right]!);
      ids.set(left + right, merged);
    }
    for (const word of pair.words) mergeInWord(words[word]!, word, pair, merged, change);
    pairs.delete(pair.left * SYMBOL_LIMIT + pair.right);
    enqueueIncreased();
  }
  return { tokens, merges };
}

/** Merges the pair in a word, from left to right, and calls `change` for every adjacent pair that it alters. */
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
