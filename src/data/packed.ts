import { createHash } from 'node:crypto';
import type { EncodedCorpus } from './batch.js';

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
type Ids = Uint16Array | Uint32Array;
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
  private readonly sourceIds: Ids;
  private readonly targetIds: Ids;
  private readonly lines: Uint32Array;

  /** @param buffer a block that `readImage` has checked or `PackedCorpusBuilder` has made */
  constructor(readonly buffer: SharedArrayBuffer) {
    const header = parseHeader(Buffer.from(buffer));
    this.size = header.size;
    this.corpusSizes = header.corpusSizes;
    this.key = header.key;
    this.notes = header.notes;
    const { sourceOffsets, targetOffsets, lines, sourceIds, targetIds } = header.sections;
    this.sourceOffsets = offsetsView(buffer, sourceOffsets);
    this.targetOffsets = offsetsView(buffer, targetOffsets);
    this.sourceIds = idsView(buffer, sourceIds);
    this.targetIds = idsView(buffer, targetIds);
    this.lines = new Uint32Array(buffer, lines.offset, lines.bytes / 4);
  }

  sourceLength(index: number): number {
    return this.sourceOffsets[index + 1]! - this.sourceOffsets[index]!;
  }

  targetLength(index: number): number {
    return this.targetOffsets[index + 1]! - this.targetOffsets[index]!;
  }

  source(index: number): Int32Array {
    return new Int32Array(this.sourceIds.subarray(this.sourceOffsets[index]!, this.sourceOffsets[index + 1]!));
  }

  target(index: number): Int32Array {
    return new Int32Array(this.targetIds.subarray(this.targetOffsets[index]!, this.targetOffsets[index + 1]!));
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
  private readonly lines: number[] = [];
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

  /** @param notes anything that JSON can hold */
  build(key: string, notes: unknown): PackedCorpus {
    const arrays: Record<SectionName, Offsets | Ids> = {
      sourceOffsets: this.source.offsets(),
      targetOffsets: this.target.offsets(),
      lines: Uint32Array.from(this.lines),
      sourceIds: this.source.ids(),
      targetIds: this.target.ids(),
    };
    // Offsets are counted from the end of the header first, since they decide how long the header is.
    const sections: Partial<Record<SectionName, Section>> = {};
    let end = 0;
    for (const name of SECTIONS) {
      const bytes = bytesOf(arrays[name]);
      sections[name] = { offset: end, bytes: bytes.length, elementBytes: arrays[name].BYTES_PER_ELEMENT as 2 | 4 | 8, sha256: sha256(bytes).toString('hex') };
      end = align(end + bytes.length);
    }
    const header = { key, size: this.lines.length, corpusSizes: this.corpusSizes, notes, sections };
    const headerBytes = Buffer.from(JSON.stringify(header));
    const start = align(HEADER_START + headerBytes.length);

    const buffer = new SharedArrayBuffer(start + end);
    const image = Buffer.from(buffer);
    MAGIC.copy(image);
    image.writeUInt32LE(VERSION, 8);
    image.writeUInt32LE(headerBytes.length, 12);
    sha256(headerBytes).copy(image, 16);
    headerBytes.copy(image, HEADER_START);
    for (const name of SECTIONS) bytesOf(arrays[name]).copy(image, start + sections[name]!.offset);
    return new PackedCorpus(buffer);
  }
}

/**
 * Checks a block before anything of it is used.
 * @param key what the content must have been made from
 * @returns why it cannot be used, in words, or undefined when it is whole
 */
export function problemOfImage(buffer: SharedArrayBuffer, key: string): string | undefined {
  const image = Buffer.from(buffer);
  if (image.length < HEADER_START || !image.subarray(0, MAGIC.length).equals(MAGIC)) return 'it is not an encoded corpus';
  if (image.readUInt32LE(8) !== VERSION) return `it has format version ${image.readUInt32LE(8)}, not ${VERSION}`;
  const headerBytes = image.subarray(HEADER_START, HEADER_START + image.readUInt32LE(12));
  if (!sha256(headerBytes).equals(image.subarray(16, 48))) return 'its header is damaged';
  const header = parseHeader(image);
  if (header.key !== key) return 'it was made from other data';
  const start = align(HEADER_START + headerBytes.length);
  const expected = SECTIONS.reduce((end, name) => align(end + header.sections[name].bytes), start);
  if (image.length !== expected) return `it has ${image.length} bytes instead of ${expected}`;
  for (const name of SECTIONS) {
    const { offset, bytes } = header.sections[name];
    if (sha256(image.subarray(offset, offset + bytes)).toString('hex') !== header.sections[name].sha256) return `its ${name} are damaged`;
  }
  return undefined;
}

/** The header with the offsets of the sections counted from the start of the file. */
function parseHeader(image: Buffer): Header {
  const length = image.readUInt32LE(12);
  const header = JSON.parse(image.toString('utf8', HEADER_START, HEADER_START + length)) as Header;
  const start = align(HEADER_START + length);
  const sections = Object.fromEntries(SECTIONS.map((name) => [name, { ...header.sections[name], offset: start + header.sections[name].offset }]));
  return { ...header, sections: sections as Record<SectionName, Section> };
}

/** Grows by doubling: one side's ids, and where each sentence ends. */
class SideBuilder {
  private buffer: Ids;
  private used = 0;
  private readonly ends: number[] = [0];

  constructor(vocabularySize: number) {
    this.buffer = vocabularySize <= 1 << 16 ? new Uint16Array(1 << 16) : new Uint32Array(1 << 16);
  }

  add(ids: readonly number[]): void {
    const end = this.used + ids.length;
    if (end > this.buffer.length) {
      const size = Math.max(end, 2 * this.buffer.length);
      const larger = this.buffer instanceof Uint16Array ? new Uint16Array(size) : new Uint32Array(size);
      larger.set(this.buffer);
      this.buffer = larger;
    }
    this.buffer.set(ids, this.used);
    this.used = end;
    this.ends.push(end);
  }

  ids(): Ids {
    return this.buffer.subarray(0, this.used);
  }

  offsets(): Offsets {
    return this.used < 2 ** 32 ? Uint32Array.from(this.ends) : Float64Array.from(this.ends);
  }
}

function offsetsView(buffer: SharedArrayBuffer, { offset, bytes, elementBytes }: Section): Offsets {
  return elementBytes === 4 ? new Uint32Array(buffer, offset, bytes / 4) : new Float64Array(buffer, offset, bytes / 8);
}

function idsView(buffer: SharedArrayBuffer, { offset, bytes, elementBytes }: Section): Ids {
  return elementBytes === 2 ? new Uint16Array(buffer, offset, bytes / 2) : new Uint32Array(buffer, offset, bytes / 4);
}

function bytesOf(array: Offsets | Ids): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}
