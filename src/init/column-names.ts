import { codeOfLanguage } from './language-names.js';

/** What the name of a column says; a name may say several things (`source_en`). */
export interface Meaning {
  readonly side?: 'source' | 'target' | undefined;
  /** ISO 639 code. */
  readonly language?: string | undefined;
}

const SIDES = new Map<string, 'source' | 'target'>([
  ['source', 'source'],
  ['src', 'source'],
  ['original', 'source'],
  ['target', 'target'],
  ['tgt', 'target'],
  ['trg', 'target'],
  ['translation', 'target'],
  ['translated', 'target'],
]);
const TEXT = new Set(['text', 'sentence', 'sentence1', 'sentence2', 'segment', 'string', 'phrase']);
const MAX_WORDS = 3;
const MAX_CODE_LENGTH = 3;

/**
 * Interprets the name of a column: a side (`source`, `tgt`), a language by code, English or own name (`en`, `pt_BR`,
 * `German`, `deutsch`), or text (`sentence1`). Undefined for anything else, such as a sentence.
 */
export function meaningOfName(name: string): Meaning | undefined {
  const words = name
    .trim()
    .toLowerCase()
    .split(/[\s_.:/-]+/)
    .filter((word) => word !== '');
  if (words.length === 0 || words.length > MAX_WORDS) return undefined;
  // Codes are also words ("it is"), so they count only in names without spaces.
  const isSpaced = /\s/.test(name.trim());
  const side = words.map((word) => SIDES.get(word)).find((found) => found !== undefined);
  const language = words
    .map((word) => (word.length <= MAX_CODE_LENGTH && isSpaced ? undefined : codeOfLanguage(word)))
    .find((found) => found !== undefined);
  if (side === undefined && language === undefined && !words.some((word) => TEXT.has(word))) return undefined;
  return { side, language };
}
