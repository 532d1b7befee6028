import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as Library } from 'tokenizers';
import { S2sError } from '../errors.js';
import { SPECIAL_TOKENS } from '../vocab/special.js';
import { adaptDefinition } from './adapt-definition.js';
import { HuggingFaceTokenizer } from './hugging-face-tokenizer.js';
import type { Tokenizer, TokenizerPair } from './tokenizer.js';

/** File names of tokenizers in a folder: one shared by both sides, or one per side. */
export const TOKENIZER_FILES = {
  shared: 'tokenizer.json',
  source: 'tokenizer.source.json',
  target: 'tokenizer.target.json',
} as const;

/** Far above any vocabulary of a translation model. */
const MAXIMUM_SIZE = 2_000_000;

/**
 * Loads a Hugging Face tokenizer.json file. Its vocabulary must have `<pad> <unk> <s> </s>` at ids 0 to 3 and
 * contiguous ids. Truncation, padding and other unsuitable settings are disabled, see `Tokenizer.notices`.
 *
 * @throws S2sError `tokenizer-missing` or `tokenizer-broken`, with the file
 */
export function loadTokenizer(file: string): Tokenizer {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new S2sError('tokenizer-missing', 'cannot read the tokenizer file', {
      place: { file },
      hint: 'Learn one from the training text: s2s build-vocab --config FILE',
      cause: error,
    });
  }
  return parseTokenizer(text, file);
}

/**
 * Parses the content of a tokenizer.json file.
 *
 * @param file name for errors
 * @throws S2sError `tokenizer-broken`
 */
export function parseTokenizer(text: string, file: string): Tokenizer {
  const broken = (problem: string, cause?: unknown): S2sError =>
    new S2sError('tokenizer-broken', problem, {
      place: { file },
      hint: 'Learn the tokenizer again: s2s build-vocab --config FILE',
      cause,
    });
  let definition: unknown;
  let library: Library;
  try {
    definition = JSON.parse(text);
    // The unmodified file is parsed first, so that errors refer to the user's file.
    library = Library.fromString(text);
  } catch (error) {
    throw broken(`is not a tokenizer.json file: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const tokens = tokensById(vocabularyEntries(definition), broken);
  const { definition: adapted, notices } = adaptDefinition(definition as Parameters<typeof adaptDefinition>[0]);
  try {
    library = Library.fromString(JSON.stringify(adapted));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw broken(`cannot be adapted to encode text without special tokens: ${reason}`, error);
  }
  const fingerprint = createHash('sha256').update(text).digest('hex');
  return new HuggingFaceTokenizer(library, modelType(definition), { tokens, fingerprint, notices });
}

/**
 * Loads the tokenizers of a folder: `tokenizer.json` for both sides, or `tokenizer.source.json` and
 * `tokenizer.target.json`.
 *
 * @param shared whether to load the shared file. Default: unless `tokenizer.source.json` exists
 * @throws S2sError `tokenizer-missing` or `tokenizer-broken`, with the file
 */
export function loadTokenizers(
  directory: string,
  shared = !existsSync(join(directory, TOKENIZER_FILES.source)),
): TokenizerPair {
  if (shared) {
    const tokenizer = loadTokenizer(join(directory, TOKENIZER_FILES.shared));
    return { source: tokenizer, target: tokenizer };
  }
  return {
    source: loadTokenizer(join(directory, TOKENIZER_FILES.source)),
    target: loadTokenizer(join(directory, TOKENIZER_FILES.target)),
  };
}

/** Reads the vocabulary from the file, since `getVocab` of the library cannot return a token `__proto__`. */
function vocabularyEntries(definition: unknown): (readonly [string, number])[] {
  const { model, added_tokens: added } = definition as {
    model: { vocab: Record<string, number> | [string, number][] };
    added_tokens?: { id: number; content: string }[];
  };
  const learned = Array.isArray(model.vocab)
    ? model.vocab.map(([token], id) => [token, id] as const)
    : Object.entries(model.vocab);
  const known = new Set(learned.map(([token]) => token));
  return [
    ...learned,
    ...(added ?? []).filter(({ content }) => !known.has(content)).map(({ content, id }) => [content, id] as const),
  ];
}

function tokensById(entries: readonly (readonly [string, number])[], broken: (problem: string) => S2sError): string[] {
  if (entries.length > MAXIMUM_SIZE)
    throw broken(`its vocabulary has ${entries.length} tokens; the maximum is ${MAXIMUM_SIZE}`);
  const tokens = new Array<string | undefined>(entries.length).fill(undefined);
  for (const [token, id] of entries) {
    if (id >= entries.length || tokens[id] !== undefined) {
      const range = `0 to ${entries.length - 1}`;
      throw broken(`its ids are not the numbers from ${range}: ${JSON.stringify(token)} has id ${id}`);
    }
    tokens[id] = token;
  }
  SPECIAL_TOKENS.forEach((token, id) => {
    if (tokens[id] !== token)
      throw broken(`id ${id} must be ${JSON.stringify(token)}, not ${JSON.stringify(tokens[id] ?? null)}`);
  });
  return tokens as string[];
}

function modelType(definition: unknown): string {
  const model = (definition as { model?: { type?: unknown } }).model;
  return typeof model?.type === 'string' ? model.type : 'BPE';
}
