import { S2sError } from '../errors.js';
import { CHUNK_BYTES, chunksOf, sha256Of } from './chunks.js';

/*
 * The file format of an encoded corpus. The layout in memory is the same, so that a file is loaded without parsing and
 * shared between threads without copying. Numbers are little-endian, and sections are aligned to 64 bytes.
 *
 *   0   8  "S2SCORP\0"
 *   8   4  uint32 format version
 *   12  4  uint32 length of the header in bytes
 *   16  32 SHA-256 of the header
 *   64     header: JSON, see `Header`
 *   ...    sections in the order of `SECTIONS`, each with its SHA-256 in the header
 */
const MAGIC = Buffer.from('S2SCORP\0');
/** Incremented when the format or the encoding of text changes. */
const VERSION = 1;
export const HEADER_START = 64;
const ALIGNMENT = 64;
export const SECTIONS = ['sourceOffsets', 'targetOffsets', 'lines', 'sourceIds', 'targetIds'] as const;

export type SectionName = (typeof SECTIONS)[number];
export interface Section {
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
  readonly elementBytes: 2 | 4 | 8;
  readonly sha256: string;
}

export interface Header {
  /** Identifies everything the content depends on. */
  readonly key: string;
  readonly size: number;
  /** Kept pairs of each corpus, in storage order. */
  readonly corpusSizes: readonly number[];
  /** Arbitrary JSON stored by the encoder. */
  readonly notes: unknown;
  readonly sections: Readonly<Record<SectionName, Section>>;
}

/**
 * Allocates the shared memory of a corpus.
 * @throws S2sError `out-of-memory`
 */
export function allocateCorpusBuffer(bytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes);
  } catch (error) {
    const size = `${(bytes / 1e9).toFixed(1)} GB`;
    throw new S2sError('out-of-memory', `cannot allocate ${size} of memory for the encoded corpus`, {
      hint: 'Train on a part of the corpus, or on a machine with more memory.',
      cause: error,
    });
  }
}

/**
 * Validates the buffer of a corpus: format, key and checksums.
 * @param key the key it must have been built with
 * @returns a message on the first problem found, or undefined if the buffer is valid
 */
export function validateCorpusBuffer(
  buffer: SharedArrayBuffer,
  key: string,
  chunkBytes: number = CHUNK_BYTES,
): string | undefined {
  const size = buffer.byteLength;
  if (size < HEADER_START) return 'it is not an encoded corpus';
  const head = Buffer.from(buffer, 0, HEADER_START);
  if (!head.subarray(0, MAGIC.length).equals(MAGIC)) return 'it is not an encoded corpus';
  if (head.readUInt32LE(8) !== VERSION) return `it has format version ${head.readUInt32LE(8)}, not ${VERSION}`;
  const headerEnd = Math.min(size, HEADER_START + head.readUInt32LE(12));
  if (sha256Of(chunksOf(buffer, HEADER_START, headerEnd, chunkBytes)) !== head.toString('hex', 16, 48))
    return 'its header is corrupted';
  const header = parseHeader(buffer);
  if (header.key !== key) return 'it was built from different data';
  const expected = SECTIONS.reduce(
    (end, name) => alignOffset(end + header.sections[name].bytes),
    alignOffset(headerEnd),
  );
  if (size !== expected) return `it has ${size} bytes instead of ${expected}`;
  for (const name of SECTIONS) {
    const { offset, bytes, sha256 } = header.sections[name];
    if (sha256Of(chunksOf(buffer, offset, offset + bytes, chunkBytes)) !== sha256) return `its ${name} are corrupted`;
  }
  return undefined;
}

/** Parses the header and makes section offsets relative to the start of the file. */
export function parseHeader(buffer: SharedArrayBuffer): Header {
  const length = Buffer.from(buffer, 0, HEADER_START).readUInt32LE(12);
  const header = JSON.parse(Buffer.from(buffer, HEADER_START, length).toString('utf8')) as Header;
  const start = alignOffset(HEADER_START + length);
  const sections = Object.fromEntries(
    SECTIONS.map((name) => [name, { ...header.sections[name], offset: start + header.sections[name].offset }]),
  );
  return { ...header, sections: sections as Record<SectionName, Section> };
}

/** Writes the header and its checksum to the start of a buffer. */
export function writeHeader(buffer: SharedArrayBuffer, header: Buffer): void {
  const head = Buffer.from(buffer, 0, HEADER_START + header.length);
  MAGIC.copy(head);
  head.writeUInt32LE(VERSION, 8);
  head.writeUInt32LE(header.length, 12);
  Buffer.from(sha256Of([header]), 'hex').copy(head, 16);
  header.copy(head, HEADER_START);
}

export function alignOffset(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}
