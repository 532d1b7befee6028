import { isAscii, isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { S2sError, describeReadError } from '../errors.js';
import { fileKindOf, needsMoreBytes } from './file-kind.js';
import { hintForInvalidLine } from './invalid-line.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTES_PER_READ = 1 << 18;
/** Chunks of a line are concatenated when there are this many, which bounds their overhead. */
const MAX_CHUNKS = 4096;
/** Number of bytes at the start of an overlong line that its reader gets. */
const START_BYTES = 256;
/** A text with a CR in this many bytes on average has CRs as line ends. */
const BYTES_PER_RETURN = 10_000;

/**
 * Maximum bytes per line, without LF: 1 MiB, the length of a long novel. It bounds memory for files without LF, and
 * longer lines are not sentences.
 */
export const MAX_LINE_BYTES = 1 << 20;

export interface ReadLineOptions {
  /** Name of the input in errors. Default: the path, or `stdin`. */
  readonly name?: string | undefined;
  /**
   * Called with the number (from 1) of each line longer than `MAX_LINE_BYTES`, which is then read as an empty line to
   * keep line numbers aligned, and with the start of that line. By default such a line is an error.
   */
  readonly onSkipped?: ((line: number, start: string) => void) | undefined;
  /**
   * Called with the number (from 1) of each line that is not valid UTF-8, before its block is returned. The line is
   * then read with U+FFFD in place of the invalid bytes. By default such a line is an error.
   */
  readonly onInvalid?: ((line: number) => void) | undefined;
  /** The first sentence of the hint for a line that is not valid UTF-8. */
  readonly invalidHint?: string | undefined;
}

/**
 * Streams the lines of a text in blocks, one per chunk read, so that lines of a pipe are available immediately and
 * files do not cost a promise per line. Buffers at most one chunk and `MAX_LINE_BYTES`.
 *
 * Only LF ends a line; CR, U+2028 and form feed do not. The LF of the last line is optional. A leading byte order mark
 * is removed. Gzip is detected by its magic bytes, not by file name.
 *
 * @param input path of a file, or a stream of bytes
 * @throws S2sError `file-unreadable` or `gzip-broken`; `not-text` for an archive, a compressed file other than gzip, or
 *   UTF-16; `invalid-utf8` or `line-too-long` with the line, after yielding all lines before it
 */
export async function* readLineBlocks(
  input: string | Readable,
  options: ReadLineOptions = {},
): AsyncGenerator<string[]> {
  const { name = typeof input === 'string' ? input : 'stdin', onSkipped } = options;
  const unfinished = new UnfinishedLine();
  const decoder = new LineDecoder(name, options);
  const take = function* (bytes: Buffer): Generator<string[]> {
    const { lines, problem } = decoder.decode(bytes);
    if (lines.length > 0) yield lines;
    if (problem !== undefined) throw problem;
  };
  const skip = function* (): Generator<string[]> {
    if (onSkipped === undefined || unfinished.hasOtherLineEnds) throw tooLong(name, decoder.nextLine);
    onSkipped(decoder.nextLine++, unfinished.start);
    yield [''];
  };
  for await (const chunk of readBytes(input, name)) {
    const first = chunk.indexOf(LINE_FEED);
    unfinished.add(first === -1 ? chunk : chunk.subarray(0, first));
    if (unfinished.isTooLong && onSkipped === undefined) throw tooLong(name, decoder.nextLine);
    if (first === -1) continue;
    // Only the first line can be too long, since the others are shorter than a chunk.
    const end = chunk.lastIndexOf(LINE_FEED);
    if (unfinished.isTooLong) {
      yield* skip();
      if (end > first) yield* take(chunk.subarray(first + 1, end));
    } else {
      const whole = unfinished.length === first;
      yield* take(whole ? chunk.subarray(0, end) : Buffer.concat([unfinished.bytes(), chunk.subarray(first, end)]));
    }
    unfinished.clear();
    if (end + 1 < chunk.length) unfinished.add(chunk.subarray(end + 1));
  }
  if (unfinished.isTooLong) yield* skip();
  else if (unfinished.length > 0) yield* take(unfinished.bytes());
}

/** Streams the lines of a text one by one; see `readLineBlocks`. */
export async function* readLines(input: string | Readable, options?: ReadLineOptions): AsyncGenerator<string> {
  for await (const block of readLineBlocks(input, options)) yield* block;
}

/**
 * Checks the first bytes of a file, without reading the rest.
 *
 * @throws S2sError `not-text`, `gzip-broken` or `file-unreadable`
 */
export async function assertTextFile(file: string): Promise<void> {
  const bytes = readBytes(file, file);
  await bytes.next();
  await bytes.return(undefined);
}

function tooLong(file: string, line: number): S2sError {
  return new S2sError('line-too-long', `the line is longer than ${MAX_LINE_BYTES} bytes`, {
    place: { file, line },
    hint:
      'The file must have one sentence per line, ending in LF. Convert other line ends, for example: ' +
      'tr "\\r" "\\n" < old > new',
  });
}

/**
 * The bytes of a line whose LF has not been read yet. Of a line that is too long, only its length and its start are
 * kept.
 */
class UnfinishedLine {
  private chunks: Buffer[] = [];
  length = 0;
  /** The start of a line that is too long. */
  start = '';
  /** Whether a line that is too long has CRs where other lines have LFs, as on old Macs: it is a whole text. */
  hasOtherLineEnds = false;

  get isTooLong(): boolean {
    return this.length > MAX_LINE_BYTES;
  }

  add(chunk: Buffer): void {
    const wasTooLong = this.isTooLong;
    this.length += chunk.length;
    this.chunks.push(chunk);
    if (this.isTooLong) {
      if (!wasTooLong) this.describeStart(this.bytes().subarray(0, MAX_LINE_BYTES));
      this.chunks = [];
    }
    if (this.chunks.length === MAX_CHUNKS) this.chunks = [this.bytes()];
  }

  bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  clear(): void {
    this.chunks = [];
    this.length = 0;
  }

  private describeStart(bytes: Buffer): void {
    this.start = bytes.toString('utf8', 0, START_BYTES);
    let returns = 0;
    for (let at = bytes.indexOf(CARRIAGE_RETURN); at >= 0; at = bytes.indexOf(CARRIAGE_RETURN, at + 1)) returns++;
    this.hasOtherLineEnds = returns * BYTES_PER_RETURN > bytes.length;
  }
}

/** Decodes the lines of a text block by block. */
class LineDecoder {
  /** Number of the next line, from 1. */
  nextLine = 1;
  /** Whether the lines so far have characters of several bytes, so that the text is UTF-8 and not another encoding. */
  private isUtf8 = false;

  constructor(
    private readonly name: string,
    private readonly options: ReadLineOptions,
  ) {}

  /** The lines up to the first with invalid UTF-8, and the error for that one unless such lines are accepted. */
  decode(bytes: Buffer): { lines: string[]; problem?: S2sError } {
    if (isUtf8(bytes)) {
      this.isUtf8 ||= !isAscii(bytes);
      const text = bytes.toString('utf8');
      const lines = (this.nextLine === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text).split('\n');
      this.nextLine += lines.length;
      return { lines };
    }
    const lines: string[] = [];
    for (const line of splitLines(bytes)) {
      if (!isUtf8(line)) {
        if (this.options.onInvalid === undefined) return { lines, problem: this.problem(line) };
        this.options.onInvalid(this.nextLine);
      }
      lines.push(...this.decodeLine(line));
    }
    return { lines };
  }

  private decodeLine(line: Buffer): string[] {
    if (isUtf8(line)) return this.decode(line).lines;
    const text = line.toString('utf8');
    return [this.nextLine++ === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text];
  }

  private problem(line: Buffer): S2sError {
    const hints = [this.options.invalidHint, hintForInvalidLine(line, this.isUtf8)];
    return new S2sError('invalid-utf8', 'the line is not valid UTF-8', {
      place: { file: this.name, line: this.nextLine },
      hint: hints.filter((hint) => hint !== undefined).join(' '),
    });
  }
}

function* splitLines(bytes: Buffer): Generator<Buffer> {
  let start = 0;
  for (let feed = bytes.indexOf(LINE_FEED); feed !== -1; feed = bytes.indexOf(LINE_FEED, start)) {
    yield bytes.subarray(start, feed);
    start = feed + 1;
  }
  yield bytes.subarray(start);
}

async function* readBytes(input: string | Readable, name: string): AsyncGenerator<Buffer> {
  const stream: Readable =
    typeof input === 'string' ? createReadStream(input, { highWaterMark: BYTES_PER_READ }) : input;
  const chunks = stream[Symbol.asyncIterator]();
  let unzipping = false;
  let unzipped: Readable | undefined;
  try {
    const { head, rest } = await takeHead(chunks);
    unzipping = head[0] === 0x1f && head[1] === 0x8b;
    if (!unzipping) {
      assertText(head, name);
      yield* splitChunks(rest);
      return;
    }
    unzipped = pipeline(Readable.from(rest), createGunzip({ chunkSize: BYTES_PER_READ }), () => undefined);
    const inside = await takeHead(unzipped[Symbol.asyncIterator]());
    assertText(inside.head, name);
    yield* inside.rest;
  } catch (error) {
    throw readError(error, name, unzipping);
  } finally {
    unzipped?.destroy();
    stream.destroy();
  }
}

/** Reads until the kind of the file can be recognised. `rest` has the whole text, the head included. */
async function takeHead(chunks: AsyncIterator<unknown>): Promise<{ head: Buffer; rest: AsyncGenerator<Buffer> }> {
  let head = Buffer.alloc(0);
  while (needsMoreBytes(head)) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, toBuffer(next.value)]);
  }
  return { head, rest: prepend(head, chunks) };
}

function assertText(head: Buffer, name: string): void {
  const kind = fileKindOf(head);
  if (kind !== undefined) throw new S2sError('not-text', kind.message, { place: { file: name }, hint: kind.hint });
}

async function* prepend(head: Buffer, rest: AsyncIterator<unknown>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield toBuffer(next.value);
}

/** A caller's stream may have chunks of any size. */
async function* splitChunks(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += BYTES_PER_READ) yield chunk.subarray(at, at + BYTES_PER_READ);
  }
}

/** Streams with an encoding yield strings. */
function toBuffer(chunk: unknown): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer);
}

function readError(error: unknown, name: string, unzipping: boolean): unknown {
  if (error instanceof S2sError || !(error instanceof Error)) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (unzipping && (code.startsWith('Z_') || code.startsWith('ERR_'))) {
    return new S2sError('gzip-broken', `the gzip file is corrupted or truncated (${error.message})`, {
      place: { file: name },
      cause: error,
    });
  }
  return new S2sError('file-unreadable', describeReadError(error), { place: { file: name }, cause: error });
}
