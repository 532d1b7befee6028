import { sizeForCharacters, type LearnSettings } from './learn.js';
import { readVocabularyFiles, type TokenizerRole } from './vocabulary-record.js';

/** A vocabulary that lacks characters of its own training text because it is too small. */
export interface VocabularyShortage {
  readonly role: TokenizerRole;
  readonly size: number;
  /** Distinct characters of the training text, and how many of them the vocabulary lacks. */
  readonly characters: number;
  readonly missing: number;
  /** Fraction of the training text that these are, 0 to 1. */
  readonly missingShare: number;
  /** Smallest `tokenizer.size` that covers all characters. */
  readonly needed: number;
}

/** A vocabulary that lacks less of its training text is not short of characters: SentencePiece accepts 0.05 %. */
const ACCEPTED_SHARE = 0.001;

/** What is known of a learned tokenizer. */
interface Learned {
  readonly role: TokenizerRole;
  readonly settings: LearnSettings;
  readonly types: { readonly kept: number; readonly left: number };
  readonly coverage: number;
}

/** Whether a learned vocabulary is too small for the characters of its training text. */
export function shortageOf({ role, settings, types, coverage }: Learned): VocabularyShortage | undefined {
  const characters = types.kept + types.left;
  const needed = sizeForCharacters(characters, settings.type);
  const missingShare = 1 - coverage;
  // Characters can also be missing because they are rarer than minimumFrequency.
  if (settings.type === 'word' || needed <= settings.size || missingShare <= ACCEPTED_SHARE) return undefined;
  return { role, size: settings.size, characters, missing: types.left, missingShare, needed };
}

/** The shortages of the vocabularies in a folder, as recorded when they were learned. */
export function recordedShortages(directory: string): VocabularyShortage[] {
  return Object.entries(readVocabularyFiles(directory).record?.tokenizers ?? {}).flatMap(([role, learned]) => {
    const { settings, types, coverage } = learned;
    if (types === undefined || coverage === undefined) return [];
    return shortageOf({ role: role as TokenizerRole, settings, types, coverage }) ?? [];
  });
}

/** `tokenizer.size 60 is too small for the 57 characters of the training text: ...; set it to at least 118` */
export function describeShortage({
  role,
  size,
  characters,
  missing,
  missingShare,
  needed,
}: VocabularyShortage): string {
  const [key, text] = role === 'shared' ? ['size', 'training text'] : [`${role}.size`, `${role} training text`];
  const percent = (100 * missingShare).toFixed(1);
  return (
    `tokenizer.${key} ${size} is too small for the ${characters} characters of the ${text}: ${missing} of them ` +
    `(${percent} % of the text) become <unk>; set it to at least ${needed}`
  );
}
