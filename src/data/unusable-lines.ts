import { MAX_LINE_BYTES, type ReadLineOptions } from '../text/lines.js';
import type { OddCharacters, Side } from './odd-characters.js';

/** Why a line cannot be used: it is longer than `MAX_LINE_BYTES`, or not valid UTF-8. */
export type UnusableReason = 'longLine' | 'invalidUtf8';

/** What is done about lines that cannot be used: an error, or a pair without texts that says why. Default: errors. */
export type LinePolicy = Readonly<Record<UnusableReason, 'refuse' | 'drop'>>;

const REFUSE: LinePolicy = { longLine: 'refuse', invalidUtf8: 'refuse' };

/** The policy for training text: a line of any length is dropped, and one with invalid UTF-8 if the setting says so. */
export function trainingLines(data: { readonly invalidUtf8: 'refuse' | 'drop' }): LinePolicy {
  return { longLine: 'drop', invalidUtf8: data.invalidUtf8 };
}

/** The hint for an invalid line of training text. */
const DROP_HINT = 'If only a few lines are damaged, data.invalidUtf8=drop drops their pairs.';

/** Collects the lines of one file that cannot be used, until the pairs that have them are taken. */
export class UnusableLines {
  /** Options of `readLineBlocks`. */
  readonly options: ReadLineOptions;
  private readonly found = new Map<number, UnusableReason>();

  /** @param onLong called with the start of each line that is too long, before it is dropped */
  constructor(policy: LinePolicy = REFUSE, onLong?: (line: number, start: string) => void) {
    this.options = {
      onSkipped:
        policy.longLine === 'refuse'
          ? undefined
          : (line, start) => {
              onLong?.(line, start);
              this.found.set(line, 'longLine');
            },
      onInvalid: policy.invalidUtf8 === 'refuse' ? undefined : (line) => this.found.set(line, 'invalidUtf8'),
      // Only training text may have lines dropped.
      invalidHint: policy.longLine === 'drop' ? DROP_HINT : undefined,
    };
  }

  /** Counts and forgets the unusable ones of some consecutive lines, and returns the reason of the first. */
  take(first: number, last: number, count: (reason: UnusableReason, line: number) => void): UnusableReason | undefined {
    if (this.found.size === 0) return undefined;
    let reason: UnusableReason | undefined;
    for (let line = first; line <= last; line++) {
      const found = this.found.get(line);
      if (found === undefined) continue;
      count(found, line);
      this.found.delete(line);
      reason ??= found;
    }
    return reason;
  }
}

/** A function that counts unusable lines of one side among the odd characters. */
export function counterOf(odd: OddCharacters, corpus: number, side: Side) {
  return (reason: UnusableReason, line: number): void => odd.count(reason, corpus, side, line);
}

/** `1 MiB`: the longest line. */
export const LONGEST_LINE = `${MAX_LINE_BYTES >> 20} MiB`;
