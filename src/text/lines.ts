import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { S2sError, whyUnreadable } from '../errors.js';

const LINE_FEED = 0x0a;
const BYTES_PER_READ = 1 << 18;

/**
 * The lines of a text, in blocks as they arrive: one block for each piece read, so that a pipe is answered at once
 * and a file costs no promise per line.
 *
 * Lines end in LF and nothing else: a CR, U+2028 or form feed stays in its line. The last line may lack its LF. A byte
 * order mark at the very start is left out. Gzip is recognised by its first bytes, whatever the name.
 *
 * @param input path of a file, or a stream of bytes
 * @param name what to call the input in errors; the path, or `stdin`, when not given
 * @throws S2sError `file-unreadable`, `gzip-broken`, or `invalid-utf8` naming the line, after all lines before it
 */
export async function* readLineBlocks(input: string | Readable, name = typeof input === 'string' ? input : 'stdin'): AsyncGenerator<string[]> {
  let pending: Buffer[] = [];
  let firstLine = 1;
  for await (const chunk of readBytes(input, name)) {
    const end = chunk.lastIndexOf(LINE_FEED);
    if (end === -1) {
      pending.push(chunk);
      continue;
    }
    const complete = chunk.subarray(0, end);
    const { lines, problem } = decodeLines(pending.length === 0 ? complete : Buffer.concat([...pending, complete]), name, firstLine);
    pending = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : [];
    firstLine += lines.length;
    if (lines.length > 0) yield lines;
    if (problem !== undefined) throw problem;
  }
  if (pending.length === 0) return;
  const { lines, problem } = decodeLines(Buffer.concat(pending), name, firstLine);
  if (problem !== undefined) throw problem;
  yield lines;
}

/** The lines of a text one by one; see `readLineBlocks`. */
export async function* readLines(input: string | Readable, name?: string): AsyncGenerator<string> {
  for await (const block of readLineBlocks(input, name)) yield* block;
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
  const stream: Readable = typeof input === 'string' ? createReadStream(input, { highWaterMark: BYTES_PER_READ }) : input;
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
    if (unzipping) yield* pipeline(Readable.from(bytes), createGunzip({ chunkSize: BYTES_PER_READ }), () => undefined) as AsyncIterable<Buffer>;
    else yield* bytes;
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

/** A stream with an encoding set gives strings. */
function toBuffer(chunk: unknown): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer);
}

function readError(error: unknown, name: string, unzipping: boolean): unknown {
  if (error instanceof S2sError || !(error instanceof Error)) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (unzipping && (code.startsWith('Z_') || code.startsWith('ERR_'))) {
    return new S2sError('gzip-broken', `the gzip file is broken or cut short (${error.message})`, { place: { file: name }, cause: error });
  }
  return new S2sError('file-unreadable', whyUnreadable(error), { place: { file: name }, cause: error });
}
