import { z } from 'zod';
import { UNK } from '../vocab/special.js';
import { ODD_CHARACTERS } from './odd-characters.js';
import { LONGEST_LINE } from './unusable-lines.js';

/** Limits on the tokens of a pair, without `<s>` and `</s>`. */
export interface LengthLimits {
  readonly maxSourceLength: number;
  readonly maxTargetLength: number;
  /** Maximum ratio of the longer to the shorter side. */
  readonly maxLengthRatio: number;
}

/** Why a pair was dropped. If several apply, the first counts. */
export const DROP_REASONS = {
  longLine: `longer than ${LONGEST_LINE}`,
  invalidUtf8: 'not valid UTF-8',
  heldOut: 'held out for dev or test',
  sameAsHeldOut: 'with the source or target text of a held-out pair',
  emptySource: 'empty source',
  emptyTarget: 'empty target',
  sourceTooLong: 'source too long',
  targetTooLong: 'target too long',
  lengthRatio: 'lengths too different',
} as const;

export type DropReason = keyof typeof DROP_REASONS;

const EXAMPLES_PER_REASON = 3;
const reasons = Object.keys(DROP_REASONS) as [DropReason, ...DropReason[]];
const pairNote = z.object({ corpus: z.int(), line: z.int(), sourceTokens: z.int(), targetTokens: z.int() });

/** Filter statistics stored with the encoded corpus. Paths are not stored, since files may move. */
export const filterNotesSchema = z.object({
  read: z.int(),
  kept: z.int(),
  // Caches of earlier versions lack the reasons that were added since.
  dropped: z.partialRecord(z.enum(reasons), z.int()).transform((counts) => ({ ...noneDropped(), ...counts })),
  examples: z.array(pairNote.extend({ reason: z.enum(reasons) })),
  longest: pairNote.optional(),
  sourceTokens: z.int(),
  targetTokens: z.int(),
  sourceUnknown: z.int(),
  targetUnknown: z.int(),
  oddCharacters: z.array(
    z.object({
      kind: z.enum(Object.keys(ODD_CHARACTERS) as [keyof typeof ODD_CHARACTERS]),
      lines: z.int(),
      corpus: z.int(),
      side: z.enum(['source', 'target']),
      line: z.int(),
    }),
  ),
  shiftedRows: z.array(
    z.object({
      corpus: z.int(),
      line: z.int(),
      columns: z.int(),
      usual: z.int(),
      rows: z.int(),
      delimiter: z.string(),
      betterDelimiter: z.string().optional(),
    }),
  ),
});

export type FilterNotes = z.output<typeof filterNotesSchema>;
type PairNote = z.output<typeof pairNote>;

/** Filters pairs by length and collects statistics. Without limits every pair is kept. */
export class PairFilter {
  private read = 0;
  private kept = 0;
  private readonly dropped = noneDropped();
  private readonly examples = new Map<DropReason, PairNote[]>();
  private longest: PairNote | undefined;
  private readonly tokens = { source: 0, target: 0 };
  private readonly unknown = { source: 0, target: 0 };

  constructor(private readonly limits: LengthLimits | undefined) {}

  /** Counts a pair and returns whether to keep it. */
  accept(
    pair: { source: string; target: string; corpus: number; line: number },
    source: readonly number[],
    target: readonly number[],
  ): boolean {
    this.read++;
    const note = { corpus: pair.corpus, line: pair.line, sourceTokens: source.length, targetTokens: target.length };
    const reason = this.limits === undefined ? undefined : dropReason(this.limits, pair, source.length, target.length);
    if (reason !== undefined) {
      this.dropped[reason]++;
      this.addExample(reason, note);
      return false;
    }
    this.kept++;
    if (this.longest === undefined || lengthOf(note) > lengthOf(this.longest)) this.longest = note;
    this.tokens.source += source.length;
    this.tokens.target += target.length;
    this.unknown.source += countUnknown(source);
    this.unknown.target += countUnknown(target);
    return true;
  }

  /** Counts a pair that is dropped whatever its tokens are. */
  drop(reason: DropReason): void {
    this.read++;
    this.dropped[reason]++;
  }

  /** The statistics so far. */
  notes(oddCharacters: FilterNotes['oddCharacters'], shiftedRows: FilterNotes['shiftedRows'] = []): FilterNotes {
    return {
      read: this.read,
      kept: this.kept,
      dropped: this.dropped,
      examples: [...this.examples].flatMap(([reason, notes]) => notes.map((note) => ({ ...note, reason }))),
      longest: this.longest,
      sourceTokens: this.tokens.source,
      targetTokens: this.tokens.target,
      sourceUnknown: this.unknown.source,
      targetUnknown: this.unknown.target,
      oddCharacters,
      shiftedRows,
    };
  }

  /** Keeps the few longest dropped pairs per reason. */
  private addExample(reason: DropReason, note: PairNote): void {
    const notes = this.examples.get(reason) ?? [];
    notes.push(note);
    notes.sort((a, b) => lengthOf(b) - lengthOf(a));
    this.examples.set(reason, notes.slice(0, EXAMPLES_PER_REASON));
  }
}

function noneDropped(): Record<DropReason, number> {
  return Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<DropReason, number>;
}

function dropReason(
  limits: LengthLimits,
  texts: { source: string; target: string },
  source: number,
  target: number,
): DropReason | undefined {
  if (source === 0 || isBlank(texts.source)) return 'emptySource';
  if (target === 0 || isBlank(texts.target)) return 'emptyTarget';
  if (source > limits.maxSourceLength) return 'sourceTooLong';
  if (target > limits.maxTargetLength) return 'targetTooLong';
  if (Math.max(source, target) > limits.maxLengthRatio * Math.min(source, target)) return 'lengthRatio';
  return undefined;
}

function isBlank(text: string): boolean {
  return !/\S/.test(text);
}

function lengthOf(note: PairNote): number {
  return note.sourceTokens + note.targetTokens;
}

function countUnknown(ids: readonly number[]): number {
  let count = 0;
  for (const id of ids) if (id === UNK) count++;
  return count;
}
