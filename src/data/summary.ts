import type { CorpusConfig } from '../config/schema.js';
import type { DropReason, FilterNotes } from './filter.js';
import type { OddCharacter } from './odd-characters.js';
import { sideFile } from './pair.js';

/** A pair by where it stands and how long it is, `</s>` not counted. */
export interface PairPlace {
  readonly file: string;
  readonly line: number;
  readonly sourceTokens: number;
  readonly targetTokens: number;
}

/** What reading and filtering a split came to: plain data for reports. */
export interface FilterSummary {
  /** Pairs in the files. */
  readonly read: number;
  readonly kept: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** The longest few pairs dropped for each reason, those of a reason from the longest on. */
  readonly examples: readonly (PairPlace & { readonly reason: DropReason })[];
  /** Pairs kept of which one side has no token: only where nothing is dropped. */
  readonly empty: number;
  /** The longest pair kept. */
  readonly longest: PairPlace | undefined;
  /** Tokens of the pairs kept. */
  readonly sourceTokens: number;
  readonly targetTokens: number;
  /** Share of the tokens kept that are `<unk>`, 0 to 1. */
  readonly sourceUnknownRate: number;
  readonly targetUnknownRate: number;
  /** Lines with unusual characters, by kind, with the place of the first. */
  readonly oddCharacters: readonly {
    readonly kind: OddCharacter;
    readonly lines: number;
    readonly file: string;
    readonly line: number;
  }[];
}

/**
 * Puts the files of a corpus back into what was noted while encoding it.
 *
 * @param empty pairs kept of which one side has no token
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
  };
}
