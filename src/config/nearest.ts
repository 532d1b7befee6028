import { distance } from 'fastest-levenshtein';

/** The known word most like a misspelt one, if any is close enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  // Two slips, or one in three letters of a long word; but some of a short word must be right.
  let bestDistance = Math.min(word.length, Math.max(2, Math.floor(word.length / 3)) + 1);
  for (const candidate of known) {
    const difference = distance(word.toLowerCase(), candidate.toLowerCase());
    if (difference < bestDistance) {
      best = candidate;
      bestDistance = difference;
    }
  }
  return best;
}
