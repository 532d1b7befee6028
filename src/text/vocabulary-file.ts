import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TokenizerConfig } from '../config/schema.js';
import { S2sError } from '../errors.js';
import { makeFolder } from '../files/make-folder.mjs';
import { replaceFileSync } from '../files/replace.mjs';
import type { LearnedTokenizer, LearnSettings } from './learn.js';
import { TOKENIZER_FILES } from './load.js';
import {
  readVocabularyFiles,
  RECORD_VERSION,
  sha256,
  writeRecord,
  type TokenizerRole,
  type VocabularyFiles,
  type VocabularyRecord,
} from './vocabulary-record.js';

export { VOCABULARY_FILE, type TokenizerRole } from './vocabulary-record.js';

/** Whether the tokenizer files of a folder match a configuration; if not, why. */
export type VocabularyState =
  /** Learned by s2s with these settings from this text. */
  | { readonly state: 'current' }
  /** All files exist, but s2s did not write at least one of them; they are used unchanged. */
  | { readonly state: 'foreign' }
  /** A file is missing, or s2s wrote them all with other settings or from other text. */
  | { readonly state: 'missing' | 'stale'; readonly reason: string };

/**
 * Which existing files writing a vocabulary may replace or remove: none, those that s2s wrote, or any. A file that
 * already has the new content does not count as replaced.
 */
export type Replaceable = 'none' | 'own' | 'any';

/** The resolved settings of each tokenizer of a configuration. */
export function learnSettingsByRole(settings: TokenizerConfig): (readonly [TokenizerRole, LearnSettings])[] {
  if (settings.shared) return [['shared', resolveSettings(settings)]];
  return [
    ['source', resolveSettings(settings, settings.source)],
    ['target', resolveSettings(settings, settings.target)],
  ];
}

function resolveSettings(common: TokenizerConfig, own: TokenizerConfig['source'] = {}): LearnSettings {
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
 * @param trainingText identifies the content of the training text, as passed to `writeVocabulary`
 */
export function vocabularyState(directory: string, settings: TokenizerConfig, trainingText: string): VocabularyState {
  const { record, present } = readVocabularyFiles(directory);
  const wanted = learnSettingsByRole(settings).map(([role, now]) => {
    return { role, now, file: present.find((file) => file.role === role) };
  });
  const missing = wanted.find(({ file }) => file === undefined);
  if (missing !== undefined) {
    return { state: 'missing', reason: `missing file ${join(directory, TOKENIZER_FILES[missing.role])}` };
  }
  if (record === undefined || wanted.some(({ file }) => file?.own !== true)) return { state: 'foreign' };
  for (const { role, now, file } of wanted) {
    const then = record.tokenizers[role];
    if (then?.fingerprint !== file?.fingerprint || then === undefined) {
      return { state: 'stale', reason: `${TOKENIZER_FILES[role]} was not learned in this folder from this text` };
    }
    for (const key of Object.keys(now) as (keyof LearnSettings)[]) {
      if (now[key] !== then.settings[key]) {
        const name = role === 'shared' ? `tokenizer.${key}` : `tokenizer.${key} of the ${role} side`;
        return { state: 'stale', reason: `${name} was ${String(then.settings[key])} and is now ${String(now[key])}` };
      }
    }
  }
  if (record.trainingText !== trainingText) return { state: 'stale', reason: 'the training text has changed' };
  return { state: 'current' };
}

/**
 * Fails early if learning a vocabulary would certainly replace or remove a protected file.
 *
 * @param roles tokenizers that will be written, possibly with their present content; all others would be removed
 * @throws S2sError `tokenizer-foreign` or `tokenizer-kept`, exit code 2
 */
export function assertReplaceable(directory: string, replace: Replaceable, roles: readonly TokenizerRole[]): void {
  const { present, foreign } = readVocabularyFiles(directory);
  const removed = present.filter(({ role }) => !roles.includes(role)).map(({ path }) => path);
  if (replace === 'none')
    throwIfReplaced(
      removed,
      [...removed, ...foreign].filter((path) => foreign.includes(path)),
    );
  else if (replace === 'own') throwIfReplaced([], foreign);
}

/**
 * Writes learned tokenizers and their record, and removes the files of the other setting of `tokenizer.shared`.
 *
 * Each file is replaced atomically. The record is written first and lists both old and new contents, so that after an
 * interruption every file is still recognised as written by s2s.
 *
 * @throws S2sError `tokenizer-foreign` or `tokenizer-kept` if a protected file would change; nothing is written then
 */
export function writeVocabulary(
  directory: string,
  trainingText: string,
  learned: readonly (Pick<LearnedTokenizer, 'json'> &
    Partial<Pick<LearnedTokenizer, 'types' | 'coverage'>> & {
      readonly role: TokenizerRole;
      readonly settings: LearnSettings;
    })[],
  replace: Replaceable = 'own',
): void {
  const files = readVocabularyFiles(directory);
  const tokenizers: VocabularyRecord['tokenizers'] = {};
  for (const { role, settings, json, types, coverage } of learned)
    tokenizers[role] = { settings, fingerprint: sha256(json), types, coverage };
  const record: VocabularyRecord = { version: RECORD_VERSION, trainingText, tokenizers, others: [] };
  replaceTokenizers(directory, files, learned, record, replace);
  writeRecord(directory, record);
}

/**
 * Copies tokenizers into a run directory. Files there that s2s did not write are not replaced.
 *
 * @throws S2sError `tokenizer-foreign` if such a file would change; nothing is written then
 */
export function copyVocabulary(from: string, to: string, roles: readonly TokenizerRole[]): void {
  const copies = roles.map((role) => ({ role, json: readFileSync(join(from, TOKENIZER_FILES[role]), 'utf8') }));
  const files = readVocabularyFiles(to);
  // A file of the user with the same content must not be recorded as written by s2s.
  const equal = new Set(
    files.present.filter(({ own }) => !own).map(({ role, fingerprint }) => `${role} ${fingerprint}`),
  );
  const others = copies
    .filter(({ role, json }) => !equal.has(`${role} ${sha256(json)}`))
    .map(({ json }) => sha256(json));
  const record: VocabularyRecord = { version: RECORD_VERSION, trainingText: '', tokenizers: {}, others };
  // Files of the user for the other setting of `shared` are kept: the saved configuration determines which are used.
  const kept = files.present.filter(({ role, own }) => !own && !roles.includes(role));
  const present = files.present.filter((file) => !kept.includes(file));
  const foreign = files.foreign.filter((path) => !kept.some((file) => file.path === path));
  try {
    replaceTokenizers(to, { ...files, present, foreign }, copies, record, 'own');
  } catch (error) {
    if (!(error instanceof S2sError)) throw error;
    throw new S2sError(error.code, `s2s did not write this file, and the tokenizer of ${from} would replace it`, {
      place: error.place,
      hint: 'Choose another run directory (--run-dir DIR), or move the file away.',
      exitCode: 2,
    });
  }
  writeRecord(to, record);
}

/** Writes the given tokenizers and removes all others, after a record that covers both old and new files. */
function replaceTokenizers(
  directory: string,
  files: VocabularyFiles,
  wanted: readonly { readonly role: TokenizerRole; readonly json: string }[],
  record: VocabularyRecord,
  replace: Replaceable,
): void {
  const jsonOf = new Map(wanted.map(({ role, json }) => [role, json]));
  const changed = files.present.filter(({ role, fingerprint }) => {
    const json = jsonOf.get(role);
    return json === undefined || sha256(json) !== fingerprint;
  });
  const paths = changed.map(({ path }) => path);
  const unchanged = new Set(files.present.filter((file) => !changed.includes(file)).map(({ path }) => path));
  if (replace !== 'any')
    throwIfReplaced(
      replace === 'none' ? paths : [],
      files.foreign.filter((path) => !unchanged.has(path)),
    );

  makeFolder(directory);
  const before = files.present.filter(({ own }) => own || replace === 'any').map(({ fingerprint }) => fingerprint);
  writeRecord(directory, { ...record, others: [...record.others, ...before] });
  for (const { role, json } of wanted) {
    const file = join(directory, TOKENIZER_FILES[role]);
    if (!unchanged.has(file)) replaceFileSync(file, json);
  }
  for (const { role, path } of changed) if (!jsonOf.has(role)) rmSync(path, { force: true });
}

function throwIfReplaced(kept: readonly string[], foreign: readonly string[]): void {
  const [foreignFile] = foreign;
  if (foreignFile !== undefined) {
    const problem = 's2s did not write this file, and learning a vocabulary here would replace or remove it';
    throw new S2sError('tokenizer-foreign', problem, {
      place: { file: foreignFile },
      hint:
        'To train with it, set tokenizer.shared to match the files: true for tokenizer.json, false for ' +
        'tokenizer.source.json and tokenizer.target.json. Otherwise choose another folder (--run-dir DIR or ' +
        '--set tokenizer.directory=DIR), or replace it: s2s build-vocab --force.',
      exitCode: 2,
    });
  }
  const [keptFile] = kept;
  if (keptFile === undefined) return;
  const problem =
    'this tokenizer may be in use by other runs, and learning a vocabulary here would replace or remove it';
  throw new S2sError('tokenizer-kept', problem, {
    place: { file: keptFile },
    hint: 'Choose another folder (--set tokenizer.directory=DIR), or replace it: s2s build-vocab --force.',
    exitCode: 2,
  });
}
