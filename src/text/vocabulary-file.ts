import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { TokenizerConfig } from '../config/schema.js';
import { replaceFileSync } from '../files/replace.mjs';
import type { LearnSettings } from './learn.js';
import { TOKENIZER_FILES } from './load.js';

/** Lies beside the tokenizer files and says from what they were learned. */
export const VOCABULARY_FILE = 'vocabulary.json';
const FORMAT_VERSION = 1;

/** A tokenizer of a run: one for both sides, or one of a side. */
export type TokenizerRole = keyof typeof TOKENIZER_FILES;

const learnSettings = z.object({
  type: z.enum(['char', 'word', 'bpe', 'unigram']),
  size: z.int(),
  minimumFrequency: z.int(),
  normalization: z.enum(['none', 'nfc', 'nfkc']),
  lowercase: z.boolean(),
});

const vocabularyRecord = z.object({
  version: z.literal(FORMAT_VERSION),
  /** What identifies the training text: content, not place. */
  trainingText: z.string(),
  tokenizers: z.partialRecord(z.enum(['shared', 'source', 'target']), z.object({ settings: learnSettings, fingerprint: z.string() })),
});

type VocabularyRecord = z.infer<typeof vocabularyRecord>;

/** Whether the tokenizer files of a folder are those that a configuration asks for; if not, why. */
export type VocabularyState =
  | { readonly state: 'current' }
  /** Files without a record: the user's own, to be used as they are. */
  | { readonly state: 'foreign' }
  | { readonly state: 'missing' | 'stale'; readonly reason: string };

/** The tokenizers that the settings ask for, each with all its settings. */
export function learnSettingsByRole(settings: TokenizerConfig): (readonly [TokenizerRole, LearnSettings])[] {
  if (settings.shared) return [['shared', oneSide(settings)]];
  return [
    ['source', oneSide(settings, settings.source)],
    ['target', oneSide(settings, settings.target)],
  ];
}

function oneSide(common: TokenizerConfig, own: TokenizerConfig['source'] = {}): LearnSettings {
  return {
    type: own.type ?? common.type,
    size: own.size ?? common.size,
    minimumFrequency: own.minimumFrequency ?? common.minimumFrequency,
    normalization: own.normalization ?? common.normalization,
    lowercase: own.lowercase ?? common.lowercase,
  };
}

/**
 * Compares the tokenizers in a folder with the settings and the training text.
 *
 * @param trainingText what identifies the content of the training text, as it was given to `writeVocabulary`
 */
export function vocabularyState(directory: string, settings: TokenizerConfig, trainingText: string): VocabularyState {
  const wanted = learnSettingsByRole(settings);
  const fingerprints = new Map<TokenizerRole, string>();
  for (const [role] of wanted) {
    const text = readIfThere(join(directory, TOKENIZER_FILES[role]));
    if (text === undefined) return { state: 'missing', reason: `there is no ${join(directory, TOKENIZER_FILES[role])}` };
    fingerprints.set(role, sha256(text));
  }
  const text = readIfThere(join(directory, VOCABULARY_FILE));
  if (text === undefined) return { state: 'foreign' };
  const record = parseRecord(text);
  if (record === undefined) return { state: 'stale', reason: `${join(directory, VOCABULARY_FILE)} is broken or of another version` };
  for (const [role, now] of wanted) {
    const then = record.tokenizers[role];
    if (then === undefined) return { state: 'stale', reason: `${TOKENIZER_FILES[role]} is not recorded in ${VOCABULARY_FILE}` };
    for (const key of Object.keys(now) as (keyof LearnSettings)[]) {
      if (now[key] !== then.settings[key]) {
        const name = role === 'shared' ? `tokenizer.${key}` : `tokenizer.${key} of the ${role} side`;
        return { state: 'stale', reason: `${name} was ${String(then.settings[key])} and is now ${String(now[key])}` };
      }
    }
    if (then.fingerprint !== fingerprints.get(role)) return { state: 'stale', reason: `${TOKENIZER_FILES[role]} has changed since it was learned` };
  }
  if (record.trainingText !== trainingText) return { state: 'stale', reason: 'the training text has changed' };
  return { state: 'current' };
}

/**
 * Writes the tokenizer files and their record. Each appears whole, the record last: after an interruption the
 * tokenizers count as missing or stale, never as current.
 */
export function writeVocabulary(
  directory: string,
  trainingText: string,
  learned: readonly { readonly role: TokenizerRole; readonly settings: LearnSettings; readonly json: string }[],
): void {
  mkdirSync(directory, { recursive: true });
  const tokenizers: VocabularyRecord['tokenizers'] = {};
  for (const { role, settings, json } of learned) {
    replaceFileSync(join(directory, TOKENIZER_FILES[role]), json);
    tokenizers[role] = { settings, fingerprint: sha256(json) };
  }
  // Files of an earlier setting of `shared` would be found by `loadTokenizers`.
  for (const [role, file] of Object.entries(TOKENIZER_FILES)) {
    if (!learned.some((tokenizer) => tokenizer.role === role)) rmSync(join(directory, file), { force: true });
  }
  const record: VocabularyRecord = { version: FORMAT_VERSION, trainingText, tokenizers };
  replaceFileSync(join(directory, VOCABULARY_FILE), `${JSON.stringify(record, undefined, 2)}\n`);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function parseRecord(text: string): VocabularyRecord | undefined {
  try {
    return vocabularyRecord.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
