import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { S2sError } from '../errors.js';
import { replaceFile } from '../files/replace.mjs';
import type { FileIdentity } from './state.js';

/*
 * The safetensors format (https://github.com/huggingface/safetensors, "Format"): eight bytes with the length N of
 * the header (little-endian), N bytes of JSON, then the values of all tensors without gaps.
 * The header maps each name to {dtype, shape, data_offsets: [begin, end]}, the offsets counted from the header's
 * end; `__metadata__` maps strings to strings.
 */

/** Longest header that readers of the format accept, in bytes. */
const MAX_HEADER_BYTES = 100_000_000;
/** Node reads and writes at most 2 GiB at a time; smaller pieces also keep the rest of the process responsive. */
const PIECE_BYTES = 8 * 1024 * 1024;
const METADATA = '__metadata__';

/**
 * How the values of each number format are held in memory. The bits of 16-bit floats, for which JavaScript has no
 * type, are held as they are; a boolean is a byte.
 */
const DTYPES = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export type SavedDtype = keyof typeof DTYPES;
export type SavedValues =
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Uint16Array
  | Int16Array
  | Int8Array
  | Uint8Array;

/** A tensor as it lies in a file: `data` holds the values in row-major order. */
export interface SavedTensor {
  readonly dtype: SavedDtype;
  readonly shape: readonly number[];
  readonly data: SavedValues;
}

export type SavedTensors = ReadonlyMap<string, SavedTensor>;

export interface SafetensorsFile {
  readonly tensors: Map<string, SavedTensor>;
  readonly metadata: Record<string, string>;
}

/** Where a tensor lies in a file; offsets in bytes, counted from the end of the header. */
interface TensorPlace {
  readonly name: string;
  readonly dtype: SavedDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Writes tensors to a safetensors file, completely or not at all. The values are written from where they are, without
 * a copy.
 *
 * @returns what identifies the file, computed from the values in memory
 * @throws S2sError when a tensor does not hold what its shape and dtype say
 */
export async function writeSafetensors(
  file: string,
  tensors: SavedTensors,
  metadata: Record<string, string> = {},
): Promise<FileIdentity> {
  const places = layOut(file, tensors);
  const hash = createHash('sha256');
  let size = 0;
  await replaceFile(file, async (draft) => {
    for (const bytes of [
      encodeHeader(places, metadata),
      ...places.map(({ name }) => bytesOf(tensors.get(name)!.data)),
    ]) {
      await writeAll(draft, bytes, hash);
      size += bytes.length;
    }
  });
  return { bytes: size, sha256: hash.digest('hex') };
}

/**
 * Reads a safetensors file whole, after checking that its header is sound: known dtypes, names that occur once,
 * sizes that agree with the shapes, and values that fill the file without gap or overlap.
 *
 * @param recorded size and checksum that the file must have; not compared when not given
 * @throws S2sError `safetensors-invalid` naming the file and what is wrong; `checkpoint-damaged` when the file is not
 *   the recorded one
 */
export async function readSafetensors(file: string, recorded?: FileIdentity): Promise<SafetensorsFile> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    if (recorded !== undefined && size !== recorded.bytes) {
      throw damaged(file, `it has ${size} bytes and was saved with ${recorded.bytes}`);
    }
    const hash = recorded === undefined ? undefined : createHash('sha256');
    const { places, metadata, dataStart } = await readHeader(file, handle, size, hash);
    const tensors = new Map<string, SavedTensor>();
    // In the order of the file, as the checksum needs them; no gap lies between them.
    for (const { name, dtype, shape, begin, end } of places.toSorted(byPosition)) {
      const bytes = await readBytes(file, handle, dataStart + begin, end - begin, hash);
      tensors.set(name, { dtype, shape, data: new DTYPES[dtype](bytes) });
    }
    if (hash?.digest('hex') !== recorded?.sha256) {
      throw damaged(file, 'its SHA-256 checksum is not the one it was saved with');
    }
    return { tensors, metadata };
  } finally {
    await handle.close();
  }
}

function layOut(file: string, tensors: SavedTensors): TensorPlace[] {
  const ordered = [...tensors].map(([name, tensor]) => {
    const { dtype, shape, data } = tensor;
    if (name === METADATA)
      throw new S2sError('safetensors-invalid', `no tensor can be called ${METADATA}`, { place: { file } });
    if (!(data instanceof DTYPES[dtype]) || data.length !== elementsIn(shape)) {
      throw new S2sError(
        'safetensors-invalid',
        `tensor ${name} is to be ${dtype} [${shape.join(', ')}] but has ${data.length} values of ${data.constructor.name}`,
        { place: { file } },
      );
    }
    return { name, dtype, shape, bytes: data.byteLength };
  });
  // Wide values first, so that every tensor starts at a multiple of its element size; then by name, so that the
  // same tensors always make the same file.
  ordered.sort(
    (a, b) => DTYPES[b.dtype].BYTES_PER_ELEMENT - DTYPES[a.dtype].BYTES_PER_ELEMENT || (a.name < b.name ? -1 : 1),
  );
  let end = 0;
  return ordered.map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, begin: end, end: (end += bytes) }));
}

function encodeHeader(places: readonly TensorPlace[], metadata: Record<string, string>): Uint8Array {
  // Entries and not assignments: a tensor may have a name like __proto__.
  const entries = places.map(
    ({ name, dtype, shape, begin, end }) => [name, { dtype, shape, data_offsets: [begin, end] }] as const,
  );
  const described = Object.keys(metadata).length === 0 ? entries : [[METADATA, metadata] as const, ...entries];
  const json = Buffer.from(JSON.stringify(Object.fromEntries(described)), 'utf8');
  // Spaces up to a multiple of eight keep the values aligned for readers that map the file into memory.
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER_BYTES)
    throw new S2sError('safetensors-invalid', `a header of ${length} bytes is more than the format allows`);
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length), 0);
  json.copy(header, 8);
  return header;
}

interface Header {
  readonly places: TensorPlace[];
  readonly metadata: Record<string, string>;
  /** Bytes before the values. */
  readonly dataStart: number;
}

async function readHeader(file: string, handle: FileHandle, size: number, hash: Hash | undefined): Promise<Header> {
  if (size < 8) throw invalid(file, `${size} bytes are too few for a header`);
  const length = Number(Buffer.from(await readBytes(file, handle, 0, 8, hash)).readBigUInt64LE(0));
  if (length > MAX_HEADER_BYTES) throw invalid(file, `the header claims ${length} bytes, more than the format allows`);
  if (8 + length > size) throw invalid(file, `the header claims ${length} bytes, but the file has ${size} in all`);
  const { entries, metadata } = parseHeader(file, await readBytes(file, handle, 8, length, hash));
  const places = entries.map(([name, entry]) => checkEntry(file, name, entry));
  checkCoverage(file, places, size - 8 - length);
  return { places, metadata, dataStart: 8 + length };
}

function parseHeader(
  file: string,
  bytes: ArrayBuffer,
): { entries: [string, unknown][]; metadata: Record<string, string> } {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw invalid(file, 'the header is not JSON', cause);
  }
  if (!isObject(header)) throw invalid(file, 'the header is not a JSON object');
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw invalid(file, `the name ${repeated} occurs twice`);
  const entries = Object.entries(header).filter(([name]) => name !== METADATA);
  const metadata = Object.hasOwn(header, METADATA) ? header[METADATA] : {};
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw invalid(file, `${METADATA} is not a map of strings to strings`);
  }
  return { entries, metadata: metadata as Record<string, string> };
}

/** The first key that occurs twice at the top level of a JSON object, which `JSON.parse` passes over. */
function repeatedKey(json: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (const match of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/gs)) {
    const [token, string, colon] = match;
    if (string === undefined) depth += token === '{' || token === '[' ? 1 : -1;
    else if (depth === 1 && colon !== undefined) {
      const key = JSON.parse(string) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

function checkEntry(file: string, name: string, entry: unknown): TensorPlace {
  if (!isObject(entry)) throw invalid(file, `the entry of tensor ${name} is not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPES, dtype))
    throw invalid(file, `tensor ${name} has the unknown dtype ${JSON.stringify(dtype)}`);
  if (!isSizes(shape)) throw invalid(file, `tensor ${name} has the shape ${JSON.stringify(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw invalid(file, `tensor ${name} has the offsets ${JSON.stringify(offsets)}`);
  const [begin, end] = offsets as [number, number];
  const bytes = elementsIn(shape) * DTYPES[dtype as SavedDtype].BYTES_PER_ELEMENT;
  if (end - begin !== bytes)
    throw invalid(
      file,
      `tensor ${name} ${dtype} [${shape.join(', ')}] takes ${bytes} bytes, but its offsets are ${begin} to ${end}`,
    );
  return { name, dtype: dtype as SavedDtype, shape, begin, end };
}

function checkCoverage(file: string, places: readonly TensorPlace[], dataBytes: number): void {
  let position = 0;
  for (const { name, begin, end } of places.toSorted(byPosition)) {
    if (begin !== position)
      throw invalid(file, `tensor ${name} starts at ${begin}, but the one before it ends at ${position}`);
    position = end;
  }
  if (position !== dataBytes)
    throw invalid(file, `the tensors take ${position} bytes, but ${dataBytes} follow the header`);
}

function byPosition(a: TensorPlace, b: TensorPlace): number {
  return a.begin - b.begin || a.end - b.end;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

function elementsIn(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function bytesOf(data: SavedValues): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, hash: Hash): Promise<void> {
  for (let start = 0; start < bytes.length;) {
    const piece = bytes.subarray(start, start + PIECE_BYTES);
    const writing = handle.write(piece);
    // While the system writes.
    hash.update(piece);
    const { bytesWritten } = await writing;
    // A short write: the rest of the piece is written without hashing it again.
    for (let done = bytesWritten; done < piece.length;) done += (await handle.write(piece, done)).bytesWritten;
    start += piece.length;
  }
}

async function readBytes(
  file: string,
  handle: FileHandle,
  start: number,
  length: number,
  hash: Hash | undefined,
): Promise<ArrayBuffer> {
  const buffer = new ArrayBuffer(length);
  const bytes = new Uint8Array(buffer);
  let hashed = 0;
  for (let done = 0; done < length;) {
    const reading = handle.read(bytes, done, Math.min(PIECE_BYTES, length - done), start + done);
    // While the system reads the next piece.
    hash?.update(bytes.subarray(hashed, done));
    hashed = done;
    const { bytesRead } = await reading;
    if (bytesRead === 0) throw invalid(file, `it ends ${length - done} bytes early`);
    done += bytesRead;
  }
  hash?.update(bytes.subarray(hashed));
  return buffer;
}

function damaged(file: string, problem: string): S2sError {
  return new S2sError('checkpoint-damaged', `this file is damaged: ${problem}`, {
    place: { file },
    hint: 'Copy it again, or use another checkpoint.',
  });
}

function invalid(file: string, problem: string, cause?: unknown): S2sError {
  return new S2sError('safetensors-invalid', `not a sound safetensors file: ${problem}`, {
    place: { file },
    hint: 'The file is damaged or of another kind; take another checkpoint or copy it again.',
    cause,
  });
}
