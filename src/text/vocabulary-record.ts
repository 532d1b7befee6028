import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFileSync } from '../files/replace.mjs';
import { TOKENIZER_FILES } from './load.js';

/** File next to the tokenizers that records which files s2s wrote, with which settings and from which text. */
export const VOCABULARY_FILE = 'vocabulary.json';
export const RECORD_VERSION = 1;

/** The tokenizer of both sides, or of one side. */
export type TokenizerRole = keyof typeof TOKENIZER_FILES;
export const TOKENIZER_ROLES = Object.keys(TOKENIZER_FILES) as TokenizerRole[];

const learnSettings = z.object({
  type: z.enum(['char', 'word', 'bpe', 'unigram']),
  size: z.int(),
  minimumFrequency: z.int(),
  normalization: z.enum(['none', 'nfc', 'nfkc']),
  lowercase: z.boolean(),
});

const vocabularyRecord = z.object({
  version: z.literal(RECORD_VERSION),
  /** Identifies the training text by content, not by path. */
  trainingText: z.string(),
  tokenizers: z.partialRecord(
    z.enum(['shared', 'source', 'target']),
    z.object({
      settings: learnSettings,
      fingerprint: z.string(),
      /** Coverage of the training text, see `LearnedTokenizer`; not recorded by version 0.1. */
      types: z.object({ kept: z.int(), left: z.int() }).optional(),
      coverage: z.number().optional(),
    }),
  ),
  /** SHA-256 of other tokenizer files that s2s wrote here: copies, and files being replaced. */
  others: z.array(z.string()).default([]),
});

export type VocabularyRecord = z.infer<typeof vocabularyRecord>;

/** An existing tokenizer file. */
export interface PresentFile {
  readonly role: TokenizerRole;
  readonly path: string;
  /** SHA-256 (hex) of its content. */
  readonly fingerprint: string;
  /** Whether s2s wrote this content, according to the record. */
  readonly own: boolean;
}

/** The tokenizer files of a folder and their record. */
export interface VocabularyFiles {
  readonly record: VocabularyRecord | undefined;
  /** In the order of `TOKENIZER_ROLES`. */
  readonly present: readonly PresentFile[];
  /** Paths of all files that s2s did not write, including a `vocabulary.json` that is not a valid record. */
  readonly foreign: readonly string[];
}

/** Lists the tokenizer files of a folder, and which of them s2s wrote. */
export function readVocabularyFiles(directory: string): VocabularyFiles {
  const recordFile = join(directory, VOCABULARY_FILE);
  const text = readIfExists(recordFile);
  const record = text === undefined ? undefined : parseRecord(text);
  const learned = Object.values(record?.tokenizers ?? {}).map(({ fingerprint }) => fingerprint);
  const known = new Set([...learned, ...(record?.others ?? [])]);
  const present = TOKENIZER_ROLES.flatMap((role) => {
    const path = join(directory, TOKENIZER_FILES[role]);
    const content = readIfExists(path);
    if (content === undefined) return [];
    const fingerprint = sha256(content);
    return [{ role, path, fingerprint, own: known.has(fingerprint) }];
  });
  const foreign = present.filter(({ own }) => !own).map(({ path }) => path);
  return { record, present, foreign: text !== undefined && record === undefined ? [...foreign, recordFile] : foreign };
}

export function writeRecord(directory: string, record: VocabularyRecord): void {
  replaceFileSync(join(directory, VOCABULARY_FILE), `${JSON.stringify(record, undefined, 2)}\n`);
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Content of a file, or undefined if it does not exist. Other errors are thrown, since the file may be the user's. */
function readIfExists(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function parseRecord(text: string): VocabularyRecord | undefined {
  try {
    return vocabularyRecord.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
