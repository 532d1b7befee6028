/** Frequency of each pre-token (a word with the `▁` before it, see src/text/definition.ts). */
export type PieceCounts = ReadonlyMap<string, number>;

/** Maximum length of a token in characters (code points), the `▁` before a word included; as in SentencePiece. */
export const MAX_TOKEN_CHARACTERS = 16;

/** The characters of a vocabulary. */
export interface Alphabet {
  /** Code points, in code point order. */
  readonly characters: readonly string[];
  /** Number of distinct characters of the text that are not in the alphabet and become `<unk>`. */
  readonly left: number;
  /** Fraction of all character occurrences that the alphabet covers, 0 to 1. */
  readonly coverage: number;
}

/**
 * Selects the most frequent characters (ties by code point) that occur at least `minimumFrequency` times.
 *
 * @param options.limit maximum size of the alphabet
 * @param options.always a character that is always included
 */
export function chooseAlphabet(
  pieces: PieceCounts,
  options: { limit: number; minimumFrequency: number; always: string },
): Alphabet {
  const counts = new Map<string, number>();
  let running = 0;
  for (const [piece, count] of pieces) {
    for (const character of piece) {
      counts.set(character, (counts.get(character) ?? 0) + count);
      running += count;
    }
  }
  const always = counts.get(options.always) ?? 0;
  const kept = [...counts]
    .filter(([character, count]) => count >= options.minimumFrequency && character !== options.always)
    .sort(([a, countA], [b, countB]) => countB - countA || byCodePoint(a, b))
    .slice(0, options.limit - 1);
  kept.push([options.always, always]);
  const covered = kept.reduce((sum, [, count]) => sum + count, 0);
  return {
    characters: kept.map(([character]) => character).sort(byCodePoint),
    left: counts.size + (always === 0 ? 1 : 0) - kept.length,
    coverage: running === 0 ? 1 : covered / running,
  };
}

/**
 * Converts pre-tokens to alphabet indices, split at characters outside the alphabet, since no learned token can contain
 * one.
 */
export function indexPieces(
  pieces: PieceCounts,
  characters: readonly string[],
): { symbols: number[]; count: number }[] {
  const indices = new Map(characters.map((character, index) => [character, index]));
  const words: { symbols: number[]; count: number }[] = [];
  for (const [piece, count] of pieces) {
    let symbols: number[] = [];
    for (const character of piece) {
      const index = indices.get(character);
      if (index !== undefined) {
        symbols.push(index);
      } else if (symbols.length > 0) {
        words.push({ symbols, count });
        symbols = [];
      }
    }
    if (symbols.length > 0) words.push({ symbols, count });
  }
  return words;
}

function byCodePoint(a: string, b: string): number {
  return a.codePointAt(0)! - b.codePointAt(0)!;
}
