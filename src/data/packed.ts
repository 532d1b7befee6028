import { S2sError } from '../errors.js';
import type { EncodedCorpus } from './batch.js';
import { NumberList, type NumberArray } from './number-list.js';
import { PIECE_BYTES, piecesOf, sha256Of } from './pieces.js';

/*
 * The file format of an encoded corpus, which is also its form in memory: made once, then read (or mapped) as it is
 * and shared between threads. Numbers are little-endian, sections start at multiples of 64 bytes.
 *
 *   0   8  "S2SCORP\0"
 *   8   4  uint32 format version
 *   12  4  uint32 length of the header in bytes
 *   16  32 SHA-256 of the header
 *   64     header: JSON, see `Header`
 *   ...    sections in the order of `SECTIONS`, each with its SHA-256 in the header
 */
const MAGIC = Buffer.from('S2SCORP\0');
/** Raised when the format, or what the encoder does with a text, changes. */
const VERSION = 1;
const HEADER_START = 64;
const ALIGNMENT = 64;
const SECTIONS = ['sourceOffsets', 'targetOffsets', 'lines', 'sourceIds', 'targetIds'] as const;

type SectionName = (typeof SECTIONS)[number];
/** Token offsets: uint32, or float64 (exact to 2^53) from 2^32 tokens on. */
type Offsets = Uint32Array | Float64Array;

interface Section {
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
  readonly elementBytes: 2 | 4 | 8;
  readonly sha256: string;
}

interface Header {
  /** Names everything that the content depends on. */
  readonly key: string;
  readonly size: number;
  /** Pairs kept of each corpus; they lie in this order. */
  readonly corpusSizes: readonly number[];
  /** What the encoder wants to be remembered with the content. */
  readonly notes: unknown;
  readonly sections: Readonly<Record<SectionName, Section>>;
}

/** Sentence pairs as token ids in one block of shared memory, which other threads can open without a copy. */
export class PackedCorpus implements EncodedCorpus {
  readonly size: number;
  readonly corpusSizes: readonly number[];
  readonly key: string;
  readonly notes: unknown;
  private readonly sourceOffsets: Offsets;
  private readonly targetOffsets: Offsets;
  private readonly sourceIds: Section;
  private readonly targetIds: Section;
  private readonly lines: Uint32Array;

  /** @param buffer a block that `readImage` has checked or `PackedCorpusBuilder` has made */
  constructor(readonly buffer: SharedArrayBuffer) {
    const header = parseHeader(buffer);
    this.size = header.size;
    this.corpusSizes = header.corpusSizes;
    this.key = header.key;
    this.notes = header.notes;
    const { sourceOffsets, targetOffsets, lines, sourceIds, targetIds } = header.sections;
    this.sourceOffsets = offsetsView(buffer, sourceOffsets);
    this.targetOffsets = offsetsView(buffer, targetOffsets);
    this.sourceIds = sourceIds;
    this.targetIds = targetIds;
    this.lines = new Uint32Array(buffer, lines.offset, lines.bytes / 4);
  }

  sourceLength(index: number): number {
    return this.sourceOffsets[index + 1]! - this.sourceOffsets[index]!;
  }

  targetLength(index: number): number {
    return this.targetOffsets[index + 1]! - this.targetOffsets[index]!;
  }

  source(index: number): Int32Array {
    return idsBetween(this.buffer, this.sourceIds, this.sourceOffsets[index]!, this.sourceOffsets[index + 1]!);
  }

  target(index: number): Int32Array {
    return idsBetween(this.buffer, this.targetIds, this.targetOffsets[index]!, this.targetOffsets[index + 1]!);
  }

  /** Where a pair comes from: the number of its corpus (from 0) and its line in there (from 1). */
  origin(index: number): { corpus: number; line: number } {
    let corpus = 0;
    let start = 0;
    while (index >= start + (this.corpusSizes[corpus] ?? Infinity)) start += this.corpusSizes[corpus++]!;
    return { corpus, line: this.lines[index]! };
  }
}

/** Collects encoded pairs and packs them. */
export class PackedCorpusBuilder {
  private readonly source: SideBuilder;
  private readonly target: SideBuilder;
  private readonly lines = new NumberList((length) => new Uint32Array(length));
  private readonly corpusSizes: number[];

  /** @param vocabularySizes ids below 65,536 take two bytes, larger ones four */
  constructor(vocabularySizes: { source: number; target: number }, corpora: number) {
    this.source = new SideBuilder(vocabularySizes.source);
    this.target = new SideBuilder(vocabularySizes.target);
    this.corpusSizes = new Array<number>(corpora).fill(0);
  }

  /** Pairs must come corpus by corpus. */
  add(source: readonly number[], target: readonly number[], corpus: number, line: number): void {
    this.source.add(source);
    this.target.add(target);
    this.lines.push(line);
    this.corpusSizes[corpus]!++;
  }

  /**
   * Packs the pairs. The builder is empty afterwards, so that the pairs are not in memory twice.
   *
   * @param notes anything that JSON can hold
   * @param pieceBytes bytes hashed and copied at a time
   * @throws S2sError `out-of-memory`
   */
  build(key: string, notes: unknown, pieceBytes: number = PIECE_BYTES): PackedCorpus {
    const size = this.lines.length;
    const sourceOffsets = this.source.offsets();
    const targetOffsets = this.target.offsets();
    const contents: Record<SectionName, Content> = {
      sourceOffsets: contentOf(sourceOffsets, pieceBytes),
      targetOffsets: contentOf(targetOffsets, pieceBytes),
      lines: {
        elementBytes: 4,
        length: size,
        bytes: () => this.lines.bytes(pieceBytes),
        takeBytes: () => this.lines.takeBytes(pieceBytes),
      },
      sourceIds: this.source.content(pieceBytes),
      targetIds: this.target.content(pieceBytes),
    };
    // Offsets are counted from the end of the header first, since they decide how long the header is.
    const sections: Partial<Record<SectionName, Section>> = {};
    let end = 0;
    for (const name of SECTIONS) {
      const { elementBytes, length, bytes } = contents[name];
      sections[name] = { offset: end, bytes: elementBytes * length, elementBytes, sha256: sha256Of(bytes()) };
      end = align(end + elementBytes * length);
    }
    const header = { key, size, corpusSizes: this.corpusSizes, notes, sections };
    const headerBytes = Buffer.from(JSON.stringify(header));
    const start = align(HEADER_START + headerBytes.length);

    const buffer = allocateImage(start + end);
    const head = Buffer.from(buffer, 0, start);
    MAGIC.copy(head);
    head.writeUInt32LE(VERSION, 8);
    head.writeUInt32LE(headerBytes.length, 12);
    Buffer.from(sha256Of([headerBytes]), 'hex').copy(head, 16);
    headerBytes.copy(head, HEADER_START);
    for (const name of SECTIONS) {
      let at = start + sections[name]!.offset;
      for (const piece of contents[name].takeBytes()) {
        new Uint8Array(buffer, at, piece.length).set(piece);
        at += piece.length;
      }
    }
    return new PackedCorpus(buffer);
  }
}

/**
 * Memory for a whole image.
 * @throws S2sError `out-of-memory`
 */
export function allocateImage(bytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes);
  } catch (error) {
    throw new S2sError(
      'out-of-memory',
      `the encoded corpus needs ${(bytes / 1e9).toFixed(1)} GB of memory, which this machine does not give`,
      {
        hint: 'Train on a part of the corpus, or on a machine with more memory.',
        cause: error,
      },
    );
  }
}

/**
 * Checks a block before anything of it is used.
 * @param key what the content must have been made from
 * @returns why it cannot be used, in words, or undefined when it is whole
 */
export function problemOfImage(
  buffer: SharedArrayBuffer,
  key: string,
  pieceBytes: number = PIECE_BYTES,
): string | undefined {
  const size = buffer.byteLength;
  if (size < HEADER_START) return 'it is not an encoded corpus';
  const head = Buffer.from(buffer, 0, HEADER_START);
  if (!head.subarray(0, MAGIC.length).equals(MAGIC)) return 'it is not an encoded corpus';
  if (head.readUInt32LE(8) !== VERSION) return `it has format version ${head.readUInt32LE(8)}, not ${VERSION}`;
  const headerEnd = Math.min(size, HEADER_START + head.readUInt32LE(12));
  if (sha256Of(piecesOf(buffer, HEADER_START, headerEnd, pieceBytes)) !== head.toString('hex', 16, 48))
    return 'its header is damaged';
  const header = parseHeader(buffer);
  if (header.key !== key) return 'it was made from other data';
  const expected = SECTIONS.reduce((end, name) => align(end + header.sections[name].bytes), align(headerEnd));
  if (size !== expected) return `it has ${size} bytes instead of ${expected}`;
  for (const name of SECTIONS) {
    const { offset, bytes, sha256 } = header.sections[name];
    if (sha256Of(piecesOf(buffer, offset, offset + bytes, pieceBytes)) !== sha256) return `its ${name} are damaged`;
  }
  return undefined;
}

/** The header with the offsets of the sections counted from the start of the file. */
function parseHeader(buffer: SharedArrayBuffer): Header {
  const length = Buffer.from(buffer, 0, HEADER_START).readUInt32LE(12);
  const header = JSON.parse(Buffer.from(buffer, HEADER_START, length).toString('utf8')) as Header;
  const start = align(HEADER_START + length);
  const sections = Object.fromEntries(
    SECTIONS.map((name) => [name, { ...header.sections[name], offset: start + header.sections[name].offset }]),
  );
  return { ...header, sections: sections as Record<SectionName, Section> };
}

/** The numbers of a section before they are packed. */
interface Content {
  readonly elementBytes: 2 | 4 | 8;
  readonly length: number;
  readonly bytes: () => Iterable<Uint8Array>;
  /** As `bytes`, but the numbers may be released. */
  readonly takeBytes: () => Iterable<Uint8Array>;
}

function contentOf(numbers: NumberArray, pieceBytes: number): Content {
  const bytes = (): Iterable<Uint8Array> =>
    piecesOf(numbers.buffer, numbers.byteOffset, numbers.byteOffset + numbers.byteLength, pieceBytes);
  return { elementBytes: numbers.BYTES_PER_ELEMENT as 4 | 8, length: numbers.length, bytes, takeBytes: bytes };
}

/** The ids of one side and the length of each sentence. */
class SideBuilder {
  private readonly ids: NumberList<Uint16Array | Uint32Array>;
  private readonly lengths = new NumberList((length) => new Uint32Array(length));
  private readonly idBytes: 2 | 4;

  constructor(vocabularySize: number) {
    this.idBytes = vocabularySize <= 1 << 16 ? 2 : 4;
    this.ids = new NumberList<Uint16Array | Uint32Array>((length) =>
      this.idBytes === 2 ? new Uint16Array(length) : new Uint32Array(length),
    );
  }

  add(ids: readonly number[]): void {
    for (const id of ids) this.ids.push(id);
    this.lengths.push(ids.length);
  }

  content(pieceBytes: number): Content {
    return {
      elementBytes: this.idBytes,
      length: this.ids.length,
      bytes: () => this.ids.bytes(pieceBytes),
      takeBytes: () => this.ids.takeBytes(pieceBytes),
    };
  }

  offsets(): Offsets {
    const count = this.lengths.length + 1;
    const offsets = this.ids.length < 2 ** 32 ? new Uint32Array(count) : new Float64Array(count);
    let pair = 0;
    let end = 0;
    for (const length of this.lengths.values()) {
      end += length;
      offsets[++pair] = end;
    }
    return offsets;
  }
}

function offsetsView(buffer: SharedArrayBuffer, { offset, bytes, elementBytes }: Section): Offsets {
  return elementBytes === 4 ? new Uint32Array(buffer, offset, bytes / 4) : new Float64Array(buffer, offset, bytes / 8);
}

/** A view for each sentence: one of a whole section cannot have more than 2^32 ids. */
function idsBetween(
  buffer: SharedArrayBuffer,
  { offset, elementBytes }: Section,
  start: number,
  end: number,
): Int32Array {
  const place = offset + elementBytes * start;
  return new Int32Array(
    elementBytes === 2 ? new Uint16Array(buffer, place, end - start) : new Uint32Array(buffer, place, end - start),
  );
}

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}
