import { LONGEST_LINE } from './unusable-lines.js';

/** Side of a sentence pair. */
export type Side = 'source' | 'target';

/** Unusual content of a line, often a sign of broken conversion. All but the first five kinds are kept unchanged. */
export const ODD_CHARACTERS = {
  crlf: 'carriage return at the end of the line (Windows line ends), removed',
  lineBreak: 'line break inside a field, read as a space',
  blankRow: 'blank row, skipped',
  longLine: `line longer than ${LONGEST_LINE}, dropped`,
  invalidUtf8: 'not valid UTF-8, dropped',
  carriageReturn: 'carriage return inside the line',
  nul: 'NUL',
  lineSeparator: 'U+2028, U+2029 or U+0085 (line breaks to some programs)',
  control: 'control character',
  byteOrderMark: 'byte order mark (U+FEFF) inside the text',
  replacement: 'U+FFFD (a character lost in an earlier conversion)',
} as const;

export type OddCharacter = keyof typeof ODD_CHARACTERS;

/** Number of lines with one kind of odd character, and the first of them. */
export interface OddCharacterCount {
  readonly kind: OddCharacter;
  readonly lines: number;
  /** Index of the corpus in its split, from 0. */
  readonly corpus: number;
  readonly side: Side;
  readonly line: number;
}

// Matches any of `PATTERNS`, so that ordinary lines need a single test. Control characters are intended here.
// eslint-disable-next-line no-control-regex
const ANY_ODD = /[\u0000-\u0008\u000a-\u001f\u007f\u0085\u2028\u2029\ufeff\ufffd]/;
const PATTERNS: readonly (readonly [OddCharacter, RegExp])[] = [
  ['carriageReturn', /\r/],
  // eslint-disable-next-line no-control-regex
  ['nul', /\u0000/],
  ['lineSeparator', /[\u0085\u2028\u2029]/],
  // eslint-disable-next-line no-control-regex
  ['control', /[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f]/],
  ['byteOrderMark', /\ufeff/],
  ['replacement', /\ufffd/],
];

/** Normalises line ends and counts odd characters. */
export class OddCharacters {
  private readonly found = new Map<OddCharacter, OddCharacterCount>();

  /** Removes the CR of a Windows line end. */
  cleanLine(text: string, corpus: number, side: Side, line: number): string {
    if (!ANY_ODD.test(text)) return text;
    let cleaned = text;
    if (text.endsWith('\r')) {
      cleaned = text.slice(0, -1);
      this.count('crlf', corpus, side, line);
    }
    for (const [kind, pattern] of PATTERNS) {
      if (pattern.test(cleaned)) this.count(kind, corpus, side, line);
    }
    return cleaned;
  }

  /** Replaces line breaks in a field of a table or JSON object by spaces, since a sentence is one line. */
  cleanField(text: string, corpus: number, side: Side, line: number): string {
    if (!ANY_ODD.test(text)) return text;
    const cleaned = text.replace(/\r?\n/g, ' ');
    if (cleaned !== text) this.count('lineBreak', corpus, side, line);
    return this.cleanLine(cleaned, corpus, side, line);
  }

  count(kind: OddCharacter, corpus: number, side: Side, line: number): void {
    const before = this.found.get(kind);
    this.found.set(
      kind,
      before === undefined ? { kind, lines: 1, corpus, side, line } : { ...before, lines: before.lines + 1 },
    );
  }

  /** All kinds found, in order of first occurrence. */
  get counts(): OddCharacterCount[] {
    return [...this.found.values()];
  }
}
