/** A sign that text is not as people write it: BLEU of it is not comparable. */
export interface TokenizedSign {
  /** Points apart from the last word, halves of words marked `@@`, or SentencePiece's `▁`. */
  readonly kind: 'spaced-points' | 'subword-marks' | 'sentencepiece-marks';
  /** Lines with the sign. */
  readonly lines: number;
  /** The first of them, counted from 1. */
  readonly firstLine: number;
}

/** One or two lone points may be a slip of the writer. */
const MIN_SPACED_POINTS = 3;
const MIN_SPACED_SHARE = 0.5;
const MIN_MARKED_SHARE = 0.1;

/**
 * Signs that lines were tokenised, or not put together again, before scoring: most final points stand alone, or a tenth of
 * the lines holds marks of subwords. Final `?` and `!` say nothing: French has spaces there.
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
  'spaced-points': 'end in a point apart from its word (" .")',
  'subword-marks': 'hold subwords that were not joined ("@@ ")',
  'sentencepiece-marks': 'hold marks of SentencePiece ("▁")',
};

/** A sign in words: `120 lines, the first line 3, end in ...` */
export function describeTokenizedSign({ kind, lines, firstLine }: TokenizedSign): string {
  return `${lines} lines, the first line ${firstLine}, ${DESCRIPTIONS[kind]}`;
}

/** Warnings that a text looks tokenised, so that its BLEU compares with nobody else's; none where it does not. */
export function tokenizedWarnings(name: string, lines: readonly string[]): string[] {
  return looksTokenized(lines).map(
    (sign) => `${name} looks tokenised: ${describeTokenizedSign(sign)}. Scores compare only between detokenised texts.`,
  );
}
