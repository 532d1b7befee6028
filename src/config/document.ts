import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
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
import { describeReadError, UsageError, type Place } from '../errors.js';
import { ConfigError, type Problem } from './problems.js';

/** Maximum number of syntax errors in one report. */
const MAX_PROBLEMS = 10;
/** Maximum length of a parser message in characters; the parser may quote the rest of the file. */
const MAX_MESSAGE_LENGTH = 120;

const READ_ERRORS = {
  ENOENT: 'there is no such configuration file',
  EISDIR: 'is a directory: name the configuration file in it',
};

/*
 * Configurations that s2s writes have a checksum in their first line: a flipped bit in `beamSize` would otherwise
 * change translations without an error. Users may delete the line.
 */
const CHECKSUM = /^# sha256 ([0-9a-f]{64}) of the lines below; delete this line when you edit them\n/;
/** Parts of a checksum line that was damaged or moved. */
const CHECKSUM_REMAINS =
  /^#[^\n]*sha256 [0-9a-f]|# sha256 [0-9a-f]|[0-9a-f]{40} of the lines|lines below; delete this|when you edit them$/m;

/** A configuration file as plain data, with the line of every key. */
export interface ConfigDocument {
  readonly file: string;
  readonly value: unknown;
  /** The line of the key at a path, or of its nearest ancestor in the file. */
  locate(path: readonly PropertyKey[]): Place;
}

/**
 * Reads a YAML 1.2 or JSON file and resolves anchors, aliases and merge keys (`<<`).
 *
 * @throws UsageError `config-unreadable`, or `config-damaged` if its checksum does not match; ConfigError with the line
 *   of each syntax error, duplicate key and unknown alias
 */
export function readConfigDocument(file: string): ConfigDocument {
  const text = readUtf8(file);
  if (!matchesChecksum(text)) {
    const message = 'does not match the checksum in its first line: it was damaged, or edited after s2s wrote it.';
    throw new UsageError('config-damaged', message, {
      place: { file },
      hint: 'If you edited it, or all its values are correct, delete the first line. Otherwise restore a backup.',
    });
  }
  const lines = new LineCounter();
  const lineOf = (offset: number): number => lines.linePos(offset).line;
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const problems = [
    ...withoutFollowUpErrors(document.errors, (offset) => hasReferenceInBraces(text, lineOf(offset))).map((error) => ({
      place: { file, line: lineOf(error.pos[0]) },
      ...describeSyntax(error, text, lines),
    })),
    ...unknownAliases(document).map(({ name, offset }) => ({
      place: { file, line: lineOf(offset) },
      message: `the alias *${name} has no anchor before it.`,
      hint: `Put &${name} before the value that it refers to, or quote the text.`,
    })),
  ];
  if (problems.length > 0) throw new ConfigError(problems.slice(0, MAX_PROBLEMS));
  return {
    file,
    value: plainValue(document, file),
    locate: (path) => {
      const offset = offsetOf(document, path);
      return { file, ...(offset === undefined ? {} : { line: lineOf(offset) }) };
    },
  };
}

/** The text of a configuration file, without a byte order mark. */
function readUtf8(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UsageError('config-unreadable', describeReadError(error, READ_ERRORS), { place: { file }, cause: error });
  }
  if (!isUtf8(bytes)) {
    const isUtf16 = ['fffe', 'feff'].includes(bytes.toString('hex', 0, 2));
    // Latin-1 decodes any bytes, and keeps line feeds.
    const lines = bytes.toString('latin1').split('\n');
    const index = lines.findIndex((line) => !isUtf8(Buffer.from(line, 'latin1')));
    throw new UsageError('config-unreadable', 'is not valid UTF-8', {
      place: { file, line: index + 1 },
      hint: `Save it as UTF-8, or convert it: iconv -f ${isUtf16 ? 'utf-16' : 'latin1'} -t utf-8 < old > new`,
    });
  }
  const text = bytes.toString('utf8');
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** The text of a configuration with its checksum as the first line. */
export function withChecksum(text: string): string {
  return `# sha256 ${checksum(text)} of the lines below; delete this line when you edit them\n${text}`;
}

/** Whether a text has no checksum or matches it. CR LF counts as LF. */
function matchesChecksum(text: string): boolean {
  const normalized = text.replaceAll('\r\n', '\n');
  const [line, expected] = CHECKSUM.exec(normalized) ?? [];
  if (line === undefined) return !CHECKSUM_REMAINS.test(normalized);
  return checksum(normalized.slice(line.length)) === expected;
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Drops the errors after an unquoted ${...} in braces, from which the parser does not recover. */
function withoutFollowUpErrors(errors: readonly YAMLError[], inBraces: (offset: number) => boolean): YAMLError[] {
  const first = errors.findIndex(({ code, pos: [start] }) => code !== 'DUPLICATE_KEY' && inBraces(start));
  return first < 0 ? [...errors] : errors.slice(0, first + 1);
}

function truncate(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH ? message : `${message.slice(0, MAX_MESSAGE_LENGTH)}…`;
}

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
      hint: 'A configuration is a single document: remove the line ---.',
    };
  return {
    message: `${truncate(message)}.`,
    hint: hasReferenceInBraces(text, lines.linePos(start).line)
      ? 'Inside braces or brackets, quote values with ${...}.'
      : undefined,
  };
}

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

/** Character offset of the key or list item at a path, or of its nearest ancestor in the document. */
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
