import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { S2sError, whyUnreadable } from '../errors.js';

const LINE_FEED = 0x0a;
const BYTES_PER_READ = 1 << 18;
/** Small pieces of a line that arrive one by one are joined when there are this many. */
const MAX_PIECES = 4096;

/**
 * Most bytes of one line, its LF not counted: 1 MiB, the length of a long novel. A file with longer lines is hardly
 * text with a sentence a line, and a file without any LF must not fill the memory.
 */
export const MAX_LINE_BYTES = 1 << 20;

export interface ReadLineOptions {
  /** What to call the input in errors; the path, or `stdin`, when not given. */
  readonly name?: string | undefined;
  /**
   * Told of each line longer than `MAX_LINE_BYTES`: its number, from 1. The line is then read as an empty one, so that
   * the number of lines stays the same. Without it such a line is an error.
   */
  readonly onSkipped?: ((line: number) => void) | undefined;
}

/**
 * The lines of a text, in blocks as they arrive: one block for each piece read, so that a pipe is answered at once
 * and a file costs no promise per line. No more than one piece and `MAX_LINE_BYTES` are held in memory.
 *
 * Lines end in LF and nothing else: a CR, U+2028 or form feed stays in its line. The last line may lack its LF. A byte
 * order mark at the very start is left out. Gzip is recognised by its first bytes, whatever the name.
 *
 * @param input path of a file, or a stream of bytes
 * @throws S2sError `file-unreadable`, `gzip-broken`, or, after all lines before it, `invalid-utf8` or `line-too-long`
 *   naming the line
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
  for await (const piece of readBytes(input, name)) {
    const first = piece.indexOf(LINE_FEED);
    unfinished.add(first === -1 ? piece : piece.subarray(0, first));
    if (unfinished.isTooLong && onSkipped === undefined) throw tooLong(name, firstLine);
    if (first === -1) continue;
    // The other lines of a piece are shorter than the piece.
    const end = piece.lastIndexOf(LINE_FEED);
    if (unfinished.isTooLong) {
      yield* skip();
      if (end > first) yield* take(piece.subarray(first + 1, end));
    } else {
      const whole = unfinished.length === first;
      yield* take(whole ? piece.subarray(0, end) : Buffer.concat([unfinished.bytes(), piece.subarray(first, end)]));
    }
    unfinished.clear();
    if (end + 1 < piece.length) unfinished.add(piece.subarray(end + 1));
  }
  if (unfinished.isTooLong) yield* skip();
  else if (unfinished.length > 0) yield* take(unfinished.bytes());
}

/** The lines of a text one by one; see `readLineBlocks`. */
export async function* readLines(input: string | Readable, options?: ReadLineOptions): AsyncGenerator<string> {
  for await (const block of readLineBlocks(input, options)) yield* block;
}

/**
 * What to say of a line that `readLineBlocks` has skipped.
 *
 * @param file path, or `-` for stdin
 */
export function describeSkippedLine(file: string, line: number): string {
  const place = `${file === '-' ? 'stdin' : file}:${line}`;
  return `${place}: the line is longer than ${MAX_LINE_BYTES} bytes: the output has an empty line for it`;
}

function tooLong(file: string, line: number): S2sError {
  return new S2sError('line-too-long', `the line is longer than ${MAX_LINE_BYTES} bytes`, {
    place: { file, line },
    hint:
      'Lines end in LF, one sentence each. If this file has other line ends, convert them, for example: ' +
      'tr "\\r" "\\n" < old > new',
  });
}

/** The bytes of a line whose LF has not been read; only their number once they are too many. */
class UnfinishedLine {
  private pieces: Buffer[] = [];
  length = 0;

  get isTooLong(): boolean {
    return this.length > MAX_LINE_BYTES;
  }

  add(piece: Buffer): void {
    this.length += piece.length;
    if (this.isTooLong) this.pieces = [];
    else this.pieces.push(piece);
    if (this.pieces.length === MAX_PIECES) this.pieces = [this.bytes()];
  }

  bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  clear(): void {
    this.pieces = [];
    this.length = 0;
  }
}

/** Lines, up to the first that is not UTF-8, and what to say of that. */
function decodeLines(bytes: Buffer, name: string, firstLine: number): { lines: string[]; problem?: S2sError } {
  if (!isUtf8(bytes)) {
    const { good, line } = upToInvalid(bytes, firstLine);
    const problem = new S2sError('invalid-utf8', 'the line is not valid UTF-8', {
      place: { file: name, line },
      hint: 'Convert the text first, for example: iconv -f latin1 -t utf-8 < old > new',
    });
    return { lines: line === firstLine ? [] : decodeLines(good, name, firstLine).lines, problem };
  }
  const text = bytes.toString('utf8');
  return { lines: (firstLine === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text).split('\n') };
}

/** The lines before the first that is not UTF-8, without their last line feed, and the number of that one. */
function upToInvalid(bytes: Buffer, firstLine: number): { good: Buffer; line: number } {
  let line = firstLine;
  for (let start = 0; ; line++) {
    const feed = bytes.indexOf(LINE_FEED, start);
    const end = feed === -1 ? bytes.length : feed;
    if (!isUtf8(bytes.subarray(start, end))) return { good: bytes.subarray(0, Math.max(0, start - 1)), line };
    start = end + 1;
  }
}

async function* readBytes(input: string | Readable, name: string): AsyncGenerator<Buffer> {
  const stream: Readable =
    typeof input === 'string' ? createReadStream(input, { highWaterMark: BYTES_PER_READ }) : input;
  const chunks = stream[Symbol.asyncIterator]();
  let unzipping = false;
  try {
    // The two bytes that tell gzip from text may come in two pieces.
    let head = Buffer.alloc(0);
    while (head.length === 0 || (head.length === 1 && head[0] === 0x1f)) {
      const next = await chunks.next();
      if (next.done === true) break;
      head = Buffer.concat([head, toBuffer(next.value)]);
    }
    // 0x8b never follows 0x1f in UTF-8, so this cannot be text.
    unzipping = head[0] === 0x1f && head[1] === 0x8b;
    const bytes = joined(head, chunks);
    if (unzipping)
      yield* pipeline(
        Readable.from(bytes),
        createGunzip({ chunkSize: BYTES_PER_READ }),
        () => undefined,
      ) as AsyncIterable<Buffer>;
    else yield* smallPieces(bytes);
  } catch (error) {
    throw readError(error, name, unzipping);
  } finally {
    stream.destroy();
  }
}

async function* joined(head: Buffer, rest: AsyncIterator<unknown>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield toBuffer(next.value);
}

/** The stream of a caller may give pieces of any size. */
async function* smallPieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += BYTES_PER_READ) yield chunk.subarray(at, at + BYTES_PER_READ);
  }
}

/** A stream with an encoding set gives strings. */
function toBuffer(chunk: unknown): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer);
}

function readError(error: unknown, name: string, unzipping: boolean): unknown {
  if (error instanceof S2sError || !(error instanceof Error)) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (unzipping && (code.startsWith('Z_') || code.startsWith('ERR_'))) {
    return new S2sError('gzip-broken', `the gzip file is broken or cut short (${error.message})`, {
      place: { file: name },
      cause: error,
    });
  }
  return new S2sError('file-unreadable', whyUnreadable(error), { place: { file: name }, cause: error });
}
