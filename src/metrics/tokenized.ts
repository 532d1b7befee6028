import { plural } from '../plural.js';

/** Evidence that text was not detokenised, so that its BLEU is not comparable. */
export interface TokenizedSign {
  /** A space before the final full stop, BPE continuation markers `@@`, or SentencePiece's `▁`. */
  readonly kind: 'spaced-points' | 'subword-marks' | 'sentencepiece-marks';
  /** Number of lines concerned. */
  readonly lines: number;
  /** The first of these lines, from 1. */
  readonly firstLine: number;
}

/** One or two such lines may be typing errors. */
const MIN_SPACED_POINTS = 3;
const MIN_SPACED_SHARE = 0.5;
const MIN_MARKED_SHARE = 0.1;

/**
 * Detects text that is tokenised or not detokenised: most final full stops follow a space, or a tenth of the lines have
 * subword markers. Final `?` and `!` are not used, since French has spaces before them.
 */
export function looksTokenized(lines: readonly string[]): TokenizedSign[] {
  const find = (pattern: RegExp): number[] => lines.flatMap((line, index) => (pattern.test(line) ? [index + 1] : []));
  const filled = find(/\S/).length;
  const points = find(/\.\s*$/).length;
  const spaced = find(/\S\s+\.\s*$/);
  const found: [TokenizedSign['kind'], number[], boolean][] = [
    ['spaced-points', spaced, spaced.length >= Math.max(MIN_SPACED_POINTS, MIN_SPACED_SHARE * points)],
    ...(
      [
        ['subword-marks', /\S@@(?:\s|$)/],
        ['sentencepiece-marks', /▁/],
      ] as const
    ).map(([kind, pattern]): [TokenizedSign['kind'], number[], boolean] => {
      const marked = find(pattern);
      return [kind, marked, marked.length >= MIN_MARKED_SHARE * filled];
    }),
  ];
  return found.flatMap(([kind, numbers, isSign]) =>
    isSign && numbers[0] !== undefined ? [{ kind, lines: numbers.length, firstLine: numbers[0] }] : [],
  );
}

const DESCRIPTIONS: Readonly<Record<TokenizedSign['kind'], string>> = {
  'spaced-points': 'have a space before the final full stop (" .")',
  'subword-marks': 'contain BPE subwords that were not merged ("@@ ")',
  'sentencepiece-marks': 'contain SentencePiece markers ("▁")',
};

/** For example `120 lines, the first of them line 3, contain SentencePiece markers ("▁")`. */
export function describeTokenizedSign({ kind, lines, firstLine }: TokenizedSign): string {
  return `${plural(lines, 'line')}, the first of them line ${firstLine}, ${DESCRIPTIONS[kind]}`;
}

/** Warnings about text that looks tokenised. */
export function tokenizedWarnings(name: string, lines: readonly string[]): string[] {
  return looksTokenized(lines).map(
    (sign) =>
      `${name} looks tokenised: ${describeTokenizedSign(sign)}. Only scores of detokenised text are comparable.`,
  );
}
