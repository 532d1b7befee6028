import { readFileSync } from 'node:fs';
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type YAMLError,
} from 'yaml';
import { UsageError, whyUnreadable, type Place } from '../errors.js';
import { ConfigError, type Problem } from './problems.js';
import { sealIsBroken } from './seal.js';

/** Syntax errors that are told of at once. */
const MOST_PROBLEMS = 10;
/** Characters of a message of the parser, which may quote the rest of the file. */
const LONGEST_MESSAGE = 120;

const OWN_WORDS = {
  ENOENT: 'there is no such configuration file',
  EISDIR: 'is a folder: name the configuration file in it',
};

/** A configuration file as plain data, with the line of every key. */
export interface ConfigDocument {
  readonly file: string;
  readonly value: unknown;
  /** Where the value at a path stands: the line of its key, or of the nearest key above it. */
  locate(path: readonly PropertyKey[]): Place;
}

/**
 * Reads a YAML (1.2) or JSON file; anchors, aliases and merge keys (`<<`) are followed.
 *
 * @throws UsageError `config-unreadable`, or `config-damaged` when its checksum does not match; ConfigError for each
 *   syntax error, duplicate key or unknown alias, with its line
 */
export function readConfigDocument(file: string): ConfigDocument {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError('config-unreadable', whyUnreadable(error, OWN_WORDS), { place: { file }, cause: error });
  }
  if (sealIsBroken(text)) {
    const problem = 'does not match the checksum in its first line: it was damaged, or edited after s2s wrote it.';
    throw new UsageError('config-damaged', problem, {
      place: { file },
      hint: 'If you edited it, or all its values are right, delete the first line. Otherwise restore a good copy.',
    });
  }
  const lines = new LineCounter();
  const lineOf = (offset: number): number => lines.linePos(offset).line;
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const problems = [
    ...withoutConsequences(document.errors, (offset) => hasReferenceInBraces(text, lineOf(offset))).map((error) => ({
      place: { file, line: lineOf(error.pos[0]) },
      ...describeSyntax(error, text, lines),
    })),
    ...unknownAliases(document).map(({ name, offset }) => ({
      place: { file, line: lineOf(offset) },
      message: `the alias *${name} has no anchor before it.`,
      hint: `Put &${name} before the value that it stands for, or quote the text.`,
    })),
  ];
  // A text that is no YAML at all has mistakes without end, and the later ones say nothing.
  if (problems.length > 0) throw new ConfigError(problems.slice(0, MOST_PROBLEMS));
  return {
    file,
    value: plainValue(document, file),
    locate: (path) => {
      const offset = offsetOf(document, path);
      return { file, ...(offset === undefined ? {} : { line: lineOf(offset) }) };
    },
  };
}

/** Where braces have swallowed a ${...}, the parser is lost, and what it says of the rest of the file misleads. */
function withoutConsequences(errors: readonly YAMLError[], inBraces: (offset: number) => boolean): YAMLError[] {
  const lost = errors.findIndex(({ code, pos: [start] }) => code !== 'DUPLICATE_KEY' && inBraces(start));
  return lost < 0 ? [...errors] : errors.slice(0, lost + 1);
}

function shortened(message: string): string {
  return message.length <= LONGEST_MESSAGE ? message : `${message.slice(0, LONGEST_MESSAGE)}…`;
}

/** A syntax error in the terms of somebody who writes a configuration. */
function describeSyntax(
  { code, message, pos: [start] }: YAMLError,
  text: string,
  lines: LineCounter,
): Omit<Problem, 'place'> {
  if (code === 'DUPLICATE_KEY') {
    const key = /^(?:"([^"]*)"|'([^']*)'|([^\s:]+))/.exec(text.slice(start));
    return {
      message: `the key ${key?.[1] ?? key?.[2] ?? key?.[3] ?? ''} is given twice.`,
      hint: 'Remove one of the two.',
    };
  }
  if (code === 'MULTIPLE_DOCS')
    return {
      message: 'a second YAML document begins here.',
      hint: 'A configuration is one document: remove the line of dashes.',
    };
  return {
    message: `${shortened(message)}.`,
    hint: hasReferenceInBraces(text, lines.linePos(start).line)
      ? 'Inside braces or brackets, quote a text with ${...}.'
      : undefined,
  };
}

/** Whether a line has a ${...} inside braces or brackets. */
function hasReferenceInBraces(text: string, line: number): boolean {
  return /[{[].*\$\{/.test(text.split('\n')[line - 1] ?? '');
}

function unknownAliases(document: Document): { name: string; offset: number }[] {
  const found: { name: string; offset: number }[] = [];
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) === undefined) found.push({ name: alias.source, offset: alias.range?.[0] ?? 0 });
    },
  });
  return found;
}

function plainValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    throw new UsageError('config-unreadable', `cannot be read: ${(error as Error).message}`, {
      place: { file },
      cause: error,
    });
  }
}

/** Offset in the text of the key (or list item) at a path, as far down as the path goes. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (pair === undefined) break;
      offset = isScalar(pair.key) ? pair.key.range?.[0] : offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      const item = node.items[part];
      if (item === undefined) break;
      offset = (item as { range?: [number, number, number] }).range?.[0] ?? offset;
      node = item;
    } else {
      break;
    }
  }
  return offset;
}
