import { BeamEditDistance } from './edit-distance.js';

// Limits of tercom; that on candidates is from sacreBLEU.
const MAX_SHIFT_WORDS = 10;
const MAX_SHIFT_DISTANCE = 50;
const MAX_CANDIDATES = 1000;

/**
 * Number of edits from a hypothesis to the reference: insertions, deletions and substitutions of words, and shifts of
 * word sequences. Shifts are chosen greedily by gain while the gain is positive (Snover et al. 2006, section 3.1).
 */
export function countEdits(hypothesis: readonly string[], reference: readonly string[]): number {
  if (reference.length === 0) return hypothesis.length;
  const ids = new Map<string, number>();
  const toIds = (words: readonly string[]): Int32Array =>
    Int32Array.from(words, (word) => ids.get(word) ?? (ids.set(word, ids.size), ids.size - 1));
  const referenceIds = toIds(reference);
  let words = toIds(hypothesis);
  const editDistance = new BeamEditDistance(referenceIds, words.length);
  let shifts = 0;
  let candidates = 0;
  for (;;) {
    const found = bestShift(words, referenceIds, editDistance, candidates);
    candidates = found.candidates;
    // The result of a search that hit the limit is discarded, as in sacreBLEU.
    if (candidates >= MAX_CANDIDATES || found.best === undefined || found.best.gain <= 0) break;
    words = found.best.shifted;
    shifts++;
  }
  return shifts + editDistance.distance(words);
}

interface Shift {
  /** Decrease in edit distance. */
  readonly gain: number;
  readonly length: number;
  readonly start: number;
  readonly target: number;
  readonly shifted: Int32Array;
}

/** Tries to shift word sequences with errors to positions of the reference where the same words are missing. */
function bestShift(
  words: Int32Array,
  reference: Int32Array,
  editDistance: BeamEditDistance,
  candidatesBefore: number,
): { best: Shift | undefined; candidates: number } {
  const distance = editDistance.distance(words);
  const { positions, referenceErrors, hypothesisErrors } = editDistance.align(words);
  let candidates = candidatesBefore;
  let best: Shift | undefined;
  for (const { start, referenceStart, length } of matchingSpans(words, reference)) {
    if (!hasError(hypothesisErrors, start, length) || !hasError(referenceErrors, referenceStart, length)) continue;
    const aligned = positions[referenceStart]!;
    if (aligned >= start && aligned < start + length) continue;
    let previous = -1;
    for (let offset = -1; offset < length; offset++) {
      const target = referenceStart + offset === -1 ? 0 : positions[referenceStart + offset]! + 1;
      if (target === previous) continue;
      previous = target;
      const shifted = shift(words, start, length, target);
      const candidate = { gain: distance - editDistance.distance(shifted), length, start, target, shifted };
      candidates++;
      if (best === undefined || isBetter(candidate, best)) best = candidate;
    }
    if (candidates >= MAX_CANDIDATES) break;
  }
  return { best, candidates };
}

/** Prefers the larger gain, then the longer shift, then the earlier start, then the earlier target. */
function isBetter(a: Shift, b: Shift): boolean {
  return (a.gain - b.gain || a.length - b.length || b.start - a.start || b.target - a.target) > 0;
}

/** All word sequences that hypothesis and reference share, within the limits of tercom. */
function* matchingSpans(
  words: Int32Array,
  reference: Int32Array,
): Generator<{ start: number; referenceStart: number; length: number }> {
  for (let start = 0; start < words.length; start++) {
    const end = Math.min(reference.length, start + MAX_SHIFT_DISTANCE + 1);
    for (let referenceStart = Math.max(0, start - MAX_SHIFT_DISTANCE); referenceStart < end; referenceStart++) {
      const limit = Math.min(MAX_SHIFT_WORDS, words.length - start, reference.length - referenceStart);
      for (
        let length = 1;
        length <= limit && words[start + length - 1] === reference[referenceStart + length - 1];
        length++
      ) {
        yield { start, referenceStart, length };
      }
    }
  }
}

function hasError(errors: Uint8Array, start: number, length: number): boolean {
  for (let i = start; i < start + length; i++) if (errors[i] === 1) return true;
  return false;
}

/**
 * Moves `length` words from `start` to before the word at `target`. If `target` is within the moved words, they move
 * right by `target - start` words, as in tercom.
 */
function shift(words: Int32Array, start: number, length: number, target: number): Int32Array {
  const shifted = words.slice();
  const destination = Math.min(target > start + length ? target - length : target, words.length - length);
  if (destination < start) shifted.copyWithin(destination + length, destination, start);
  else shifted.copyWithin(start, start + length, destination + length);
  shifted.set(words.subarray(start, start + length), destination);
  return shifted;
}
