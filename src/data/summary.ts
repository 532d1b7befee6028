import type { CorpusConfig } from '../config/schema.js';
import { describeShiftedRows } from './column-counts.js';
import type { DropReason, FilterNotes } from './filter.js';
import type { OddCharacter } from './odd-characters.js';
import { sideFile } from './pair.js';

/** Location and length of a pair, without `</s>`. */
export interface PairPlace {
  readonly file: string;
  readonly line: number;
  readonly sourceTokens: number;
  readonly targetTokens: number;
}

/** Statistics of reading and filtering a split, as plain data for reports. */
export interface FilterSummary {
  /** Pairs read from the files. */
  readonly read: number;
  readonly kept: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** The few longest pairs dropped for each reason, longest first. */
  readonly examples: readonly (PairPlace & { readonly reason: DropReason })[];
  /** Kept pairs with an empty side; only unfiltered splits have any. */
  readonly empty: number;
  /** The longest kept pair. */
  readonly longest: PairPlace | undefined;
  /** Tokens of the kept pairs. */
  readonly sourceTokens: number;
  readonly targetTokens: number;
  /** Fraction of these tokens that are `<unk>`, 0 to 1. */
  readonly sourceUnknownRate: number;
  readonly targetUnknownRate: number;
  /** Lines with unusual characters, by kind, with the location of the first. */
  readonly oddCharacters: readonly {
    readonly kind: OddCharacter;
    readonly lines: number;
    readonly file: string;
    readonly line: number;
  }[];
  /** Tables whose rows differ in their number of columns: the first row that differs from most, and what is odd. */
  readonly shiftedRows: readonly { readonly file: string; readonly line: number; readonly message: string }[];
}

/**
 * Combines the statistics stored with an encoded corpus with the paths of its files.
 *
 * @param empty number of kept pairs with an empty side
 */
export function summarize(notes: FilterNotes, corpora: readonly CorpusConfig[], empty: number): FilterSummary {
  const place = ({ corpus, line, sourceTokens, targetTokens }: NonNullable<FilterNotes['longest']>): PairPlace => ({
    file: sideFile(corpora[corpus]!, 'source'),
    line,
    sourceTokens,
    targetTokens,
  });
  return {
    read: notes.read,
    kept: notes.kept,
    dropped: notes.dropped,
    examples: notes.examples.map((example) => ({ reason: example.reason, ...place(example) })),
    empty,
    longest: notes.longest === undefined ? undefined : place(notes.longest),
    sourceTokens: notes.sourceTokens,
    targetTokens: notes.targetTokens,
    sourceUnknownRate: notes.sourceUnknown / Math.max(1, notes.sourceTokens),
    targetUnknownRate: notes.targetUnknown / Math.max(1, notes.targetTokens),
    oddCharacters: notes.oddCharacters.map(({ kind, lines, corpus, side, line }) => ({
      kind,
      lines,
      file: sideFile(corpora[corpus]!, side),
      line,
    })),
    shiftedRows: notes.shiftedRows.map((shifted) => ({
      file: sideFile(corpora[shifted.corpus]!, 'source'),
      line: shifted.line,
      message: describeShiftedRows(shifted),
    })),
  };
}
