import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { S2sError, describeReadError } from '../errors.js';

const LINE_FEED = 0x0a;
const BYTES_PER_READ = 1 << 18;
/** Chunks of a line are concatenated when there are this many, which bounds their overhead. */
const MAX_CHUNKS = 4096;

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
   * keep line numbers aligned. By default such a line is an error.
   */
  readonly onSkipped?: ((line: number) => void) | undefined;
}

/**
 * Streams the lines of a text in blocks, one per chunk read, so that lines of a pipe are available immediately and
 * files do not cost a promise per line. Buffers at most one chunk and `MAX_LINE_BYTES`.
 *
 * Only LF ends a line; CR, U+2028 and form feed do not. The LF of the last line is optional. A leading byte order mark
 * is removed. Gzip is detected by its magic bytes, not by file name.
 *
 * @param input path of a file, or a stream of bytes
 * @throws S2sError `file-unreadable` or `gzip-broken`; `invalid-utf8` or `line-too-long` with the line, after yielding
 *   all lines before it
 */
export async function* readLineBlocks(
  input: string | Readable,
  options: ReadLineOptions = {},
): AsyncGenerator<string[]> {
  const { name = typeof input === 'string' ? input : 'stdin', onSkipped } = options;
  const unfinished = new UnfinishedLine();
  let firstLine = 1;
  const take = function* (bytes: Buffer): Generator<string[]> {
    const { lines, problem } = decodeLines(bytes, name, firstLine);
    firstLine += lines.length;
    if (lines.length > 0) yield lines;
    if (problem !== undefined) throw problem;
  };
  const skip = function* (): Generator<string[]> {
    if (onSkipped === undefined) throw tooLong(name, firstLine);
    onSkipped(firstLine++);
    yield [''];
  };
  for await (const chunk of readBytes(input, name)) {
    const first = chunk.indexOf(LINE_FEED);
    unfinished.add(first === -1 ? chunk : chunk.subarray(0, first));
    if (unfinished.isTooLong && onSkipped === undefined) throw tooLong(name, firstLine);
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
 * The warning for a line that `readLineBlocks` skipped.
 *
 * @param file path, or `-` for stdin
 */
export function describeSkippedLine(file: string, line: number): string {
  const place = `${file === '-' ? 'stdin' : file}:${line}`;
  return `${place}: skipped a line longer than ${MAX_LINE_BYTES} bytes; the output has an empty line instead`;
}

function tooLong(file: string, line: number): S2sError {
  return new S2sError('line-too-long', `the line is longer than ${MAX_LINE_BYTES} bytes`, {
    place: { file, line },
    hint:
      'The file must have one sentence per line, ending in LF. Convert other line ends, for example: ' +
      'tr "\\r" "\\n" < old > new',
  });
}

/** The bytes of a line whose LF has not been read yet. Of a line that is too long, only the length is kept. */
class UnfinishedLine {
  private chunks: Buffer[] = [];
  length = 0;

  get isTooLong(): boolean {
    return this.length > MAX_LINE_BYTES;
  }

  add(chunk: Buffer): void {
    this.length += chunk.length;
    if (this.isTooLong) this.chunks = [];
    else this.chunks.push(chunk);
    if (this.chunks.length === MAX_CHUNKS) this.chunks = [this.bytes()];
  }

  bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  clear(): void {
    this.chunks = [];
    this.length = 0;
  }
}

/** Decodes lines up to the first with invalid UTF-8, and the error for that one. */
function decodeLines(bytes: Buffer, name: string, firstLine: number): { lines: string[]; problem?: S2sError } {
  if (!isUtf8(bytes)) {
    const { valid, line } = splitAtInvalid(bytes, firstLine);
    const problem = new S2sError('invalid-utf8', 'the line is not valid UTF-8', {
      place: { file: name, line },
      hint: 'Convert the text first, for example: iconv -f latin1 -t utf-8 < old > new',
    });
    return { lines: line === firstLine ? [] : decodeLines(valid, name, firstLine).lines, problem };
  }
  const text = bytes.toString('utf8');
  return { lines: (firstLine === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text).split('\n') };
}

/** Finds the first line with invalid UTF-8: its number, and the bytes before it without the last LF. */
function splitAtInvalid(bytes: Buffer, firstLine: number): { valid: Buffer; line: number } {
  let line = firstLine;
  for (let start = 0; ; line++) {
    const feed = bytes.indexOf(LINE_FEED, start);
    const end = feed === -1 ? bytes.length : feed;
    if (!isUtf8(bytes.subarray(start, end))) return { valid: bytes.subarray(0, Math.max(0, start - 1)), line };
    start = end + 1;
  }
}

async function* readBytes(input: string | Readable, name: string): AsyncGenerator<Buffer> {
  const stream: Readable =
    typeof input === 'string' ? createReadStream(input, { highWaterMark: BYTES_PER_READ }) : input;
  const chunks = stream[Symbol.asyncIterator]();
  let unzipping = false;
  try {
    // The two magic bytes of gzip may arrive in separate chunks.
    let head = Buffer.alloc(0);
    while (head.length === 0 || (head.length === 1 && head[0] === 0x1f)) {
      const next = await chunks.next();
      if (next.done === true) break;
      head = Buffer.concat([head, toBuffer(next.value)]);
    }
    // 0x1f 0x8b is not valid UTF-8, so this cannot be text.
    unzipping = head[0] === 0x1f && head[1] === 0x8b;
    const bytes = prepend(head, chunks);
    if (unzipping)
      yield* pipeline(
        Readable.from(bytes),
        createGunzip({ chunkSize: BYTES_PER_READ }),
        () => undefined,
      ) as AsyncIterable<Buffer>;
    else yield* splitChunks(bytes);
  } catch (error) {
    throw readError(error, name, unzipping);
  } finally {
    stream.destroy();
  }
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
