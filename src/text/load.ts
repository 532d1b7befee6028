import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as Library } from 'tokenizers';
import { S2sError } from '../errors.js';
import { SPECIAL_TOKENS } from '../vocab/special.js';
import { LibraryTokenizer } from './library-tokenizer.js';
import { asPlainText } from './plain-text.js';
import type { Tokenizer, TokenizerPair } from './tokenizer.js';

/** Names of the tokenizer files in a folder: one for both sides, or one each. */
export const TOKENIZER_FILES = {
  shared: 'tokenizer.json',
  source: 'tokenizer.source.json',
  target: 'tokenizer.target.json',
} as const;

/** Far above any vocabulary in use; a file beyond it is not one of a translation model. */
const MAXIMUM_SIZE = 2_000_000;

/**
 * Loads a Hugging Face tokenizer.json file of any origin, if its vocabulary has `<pad> <unk> <s> </s>` at ids 0 to 3
 * and every id up to its size. Settings of the file that would cut or pad text are switched off, see `notices`.
 *
 * @throws S2sError `tokenizer-missing` or `tokenizer-broken`, naming the file
 */
export function loadTokenizer(file: string): Tokenizer {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new S2sError('tokenizer-missing', 'there is no readable tokenizer file', {
      place: { file },
      hint: 'Learn one from the training text: s2s build-vocab --config FILE',
      cause: error,
    });
  }
  return parseTokenizer(text, file);
}

/**
 * A tokenizer from the text of a tokenizer.json file.
 *
 * @param file its name in errors
 * @throws S2sError `tokenizer-broken`
 */
export function parseTokenizer(text: string, file: string): Tokenizer {
  const broken = (problem: string, cause?: unknown): S2sError =>
    new S2sError('tokenizer-broken', problem, {
      place: { file },
      hint: 'Learn the tokenizer anew: s2s build-vocab --config FILE',
      cause,
    });
  let definition: unknown;
  let library: Library;
  try {
    definition = JSON.parse(text);
    // As it stands first: errors then speak of the user's file.
    library = Library.fromString(text);
  } catch (error) {
    throw broken(`is not a tokenizer.json file: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const tokens = tokensById(vocabularyEntries(definition), broken);
  const { definition: plain, notices } = asPlainText(definition as Parameters<typeof asPlainText>[0]);
  try {
    library = Library.fromString(JSON.stringify(plain));
  } catch (error) {
    throw broken(`cannot be used for plain text: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const fingerprint = createHash('sha256').update(text).digest('hex');
  return new LibraryTokenizer(library, modelType(definition), { tokens, fingerprint, notices });
}

/**
 * Loads the tokenizers of a folder: `tokenizer.json` for both sides, or `tokenizer.source.json` and
 * `tokenizer.target.json`.
 *
 * @param shared which of the two to load; whichever is there when not given
 * @throws S2sError `tokenizer-missing` or `tokenizer-broken`, naming the file
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

/** Read off the file, because the library's object cannot hold a token `__proto__`. */
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
    throw broken(`its vocabulary of ${entries.length} tokens is larger than ${MAXIMUM_SIZE}`);
  const tokens = new Array<string | undefined>(entries.length).fill(undefined);
  for (const [token, id] of entries) {
    if (id >= entries.length || tokens[id] !== undefined) {
      throw broken(`its ids do not run from 0 to ${entries.length - 1}: ${JSON.stringify(token)} has id ${id}`);
    }
    tokens[id] = token;
  }
  SPECIAL_TOKENS.forEach((token, id) => {
    if (tokens[id] !== token)
      throw broken(`id ${id} is ${JSON.stringify(tokens[id] ?? null)} where s2s needs ${JSON.stringify(token)}`);
  });
  return tokens as string[];
}

function modelType(definition: unknown): string {
  const model = (definition as { model?: { type?: unknown } }).model;
  return typeof model?.type === 'string' ? model.type : 'BPE';
}
