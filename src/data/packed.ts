import type { EncodedCorpus } from './batch.js';
import { CHUNK_BYTES, chunksOf, sha256Of } from './chunks.js';
import { NumberList, type NumberArray } from './number-list.js';
import {
  allocateCorpusBuffer,
  alignOffset,
  HEADER_START,
  parseHeader,
  SECTIONS,
  writeHeader,
  type Section,
  type SectionName,
} from './packed-format.js';

/** Token offsets: uint32, or float64 (exact to 2^53) from 2^32 tokens on. */
type Offsets = Uint32Array | Float64Array;

/** A corpus of token ids in one shared buffer, which other threads can use without copying. */
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

  /** @param buffer a buffer made by `PackedCorpusBuilder` or validated by `validateCorpusBuffer` */
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

  /** Index of the corpus of a pair (from 0) and its line in the file (from 1). */
  origin(index: number): { corpus: number; line: number } {
    let corpus = 0;
    let start = 0;
    while (index >= start + (this.corpusSizes[corpus] ?? Infinity)) start += this.corpusSizes[corpus++]!;
    return { corpus, line: this.lines[index]! };
  }
}

/** Collects encoded pairs and packs them into a `PackedCorpus`. */
export class PackedCorpusBuilder {
  private readonly source: SideBuilder;
  private readonly target: SideBuilder;
  private readonly lines = new NumberList((length) => new Uint32Array(length));
  private readonly corpusSizes: number[];

  /** @param vocabularySizes ids take two bytes for sizes up to 65,536, otherwise four */
  constructor(vocabularySizes: { source: number; target: number }, corpora: number) {
    this.source = new SideBuilder(vocabularySizes.source);
    this.target = new SideBuilder(vocabularySizes.target);
    this.corpusSizes = new Array<number>(corpora).fill(0);
  }

  /** Pairs must be added corpus by corpus. */
  add(source: readonly number[], target: readonly number[], corpus: number, line: number): void {
    this.source.add(source);
    this.target.add(target);
    this.lines.push(line);
    this.corpusSizes[corpus]!++;
  }

  /**
   * Packs the pairs. Empties the builder as it goes, so that the pairs are never in memory twice.
   *
   * @param notes any JSON value, stored with the corpus
   * @param chunkBytes bytes hashed and copied at a time
   * @throws S2sError `out-of-memory`
   */
  build(key: string, notes: unknown, chunkBytes: number = CHUNK_BYTES): PackedCorpus {
    const size = this.lines.length;
    const sourceOffsets = this.source.offsets();
    const targetOffsets = this.target.offsets();
    const contents: Record<SectionName, Content> = {
      sourceOffsets: contentOf(sourceOffsets, chunkBytes),
      targetOffsets: contentOf(targetOffsets, chunkBytes),
      lines: {
        elementBytes: 4,
        length: size,
        bytes: () => this.lines.bytes(chunkBytes),
        takeBytes: () => this.lines.takeBytes(chunkBytes),
      },
      sourceIds: this.source.content(chunkBytes),
      targetIds: this.target.content(chunkBytes),
    };
    // Stored offsets are relative to the end of the header, whose length depends on them.
    const sections: Partial<Record<SectionName, Section>> = {};
    let end = 0;
    for (const name of SECTIONS) {
      const { elementBytes, length, bytes } = contents[name];
      sections[name] = { offset: end, bytes: elementBytes * length, elementBytes, sha256: sha256Of(bytes()) };
      end = alignOffset(end + elementBytes * length);
    }
    const header = { key, size, corpusSizes: this.corpusSizes, notes, sections };
    const headerBytes = Buffer.from(JSON.stringify(header));
    const start = alignOffset(HEADER_START + headerBytes.length);
    const buffer = allocateCorpusBuffer(start + end);
    writeHeader(buffer, headerBytes);
    for (const name of SECTIONS) {
      let at = start + sections[name]!.offset;
      for (const chunk of contents[name].takeBytes()) {
        new Uint8Array(buffer, at, chunk.length).set(chunk);
        at += chunk.length;
      }
    }
    return new PackedCorpus(buffer);
  }
}

/** The numbers of a section before packing. */
interface Content {
  readonly elementBytes: 2 | 4 | 8;
  readonly length: number;
  readonly bytes: () => Iterable<Uint8Array>;
  /** As `bytes`, but may release the numbers. */
  readonly takeBytes: () => Iterable<Uint8Array>;
}

function contentOf(numbers: NumberArray, chunkBytes: number): Content {
  const bytes = (): Iterable<Uint8Array> =>
    chunksOf(numbers.buffer, numbers.byteOffset, numbers.byteOffset + numbers.byteLength, chunkBytes);
  return { elementBytes: numbers.BYTES_PER_ELEMENT as 4 | 8, length: numbers.length, bytes, takeBytes: bytes };
}

/** Collects the ids of one side and the length of each sentence. */
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

  content(chunkBytes: number): Content {
    return {
      elementBytes: this.idBytes,
      length: this.ids.length,
      bytes: () => this.ids.bytes(chunkBytes),
      takeBytes: () => this.ids.takeBytes(chunkBytes),
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

/** Creates a view per sentence, since a view of the whole section is limited to 2^32 ids. */
function idsBetween(
  buffer: SharedArrayBuffer,
  { offset, elementBytes }: Section,
  start: number,
  end: number,
): Int32Array {
  const position = offset + elementBytes * start;
  return new Int32Array(
    elementBytes === 2
      ? new Uint16Array(buffer, position, end - start)
      : new Uint32Array(buffer, position, end - start),
  );
}
