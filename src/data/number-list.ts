import { CHUNK_BYTES, chunksOf } from './chunks.js';

/** The element types of a `NumberList`; their memory is outside the JavaScript heap. */
export type NumberArray = Uint16Array | Uint32Array | Float64Array;

const BLOCK_LENGTH = 1 << 20;

/**
 * A growable list of numbers, allocated in blocks. Unlike an array it is not bounded by the heap limit; unlike a single
 * typed array it is not bounded by 2^32 elements and is never copied to grow.
 */
export class NumberList<Numbers extends NumberArray> {
  private blocks: Numbers[] = [];
  private used = 0;

  /**
   * @param allocate allocates a block of this many numbers
   * @param blockLength numbers per block
   */
  constructor(
    private readonly allocate: (length: number) => Numbers,
    private readonly blockLength: number = BLOCK_LENGTH,
  ) {}

  get length(): number {
    return this.used;
  }

  push(value: number): void {
    const index = this.used % this.blockLength;
    if (index === 0) this.blocks.push(this.allocate(this.blockLength));
    this.blocks.at(-1)![index] = value;
    this.used++;
  }

  *values(): Generator<number> {
    for (const [number, block] of this.blocks.entries()) yield* block.subarray(0, this.lengthOfBlock(number));
  }

  /** The bytes of the numbers, in chunks. */
  *bytes(chunkBytes: number = CHUNK_BYTES): Generator<Uint8Array> {
    for (const number of this.blocks.keys()) yield* this.bytesOfBlock(number, chunkBytes);
  }

  /** As `bytes`, but releases each block once its bytes are consumed. The list is empty afterwards. */
  *takeBytes(chunkBytes: number = CHUNK_BYTES): Generator<Uint8Array> {
    for (const number of this.blocks.keys()) {
      yield* this.bytesOfBlock(number, chunkBytes);
      this.blocks[number] = this.allocate(0);
    }
    this.blocks = [];
    this.used = 0;
  }

  private *bytesOfBlock(number: number, chunkBytes: number): Generator<Uint8Array> {
    const block = this.blocks[number]!;
    yield* chunksOf(block.buffer, 0, this.lengthOfBlock(number) * block.BYTES_PER_ELEMENT, chunkBytes);
  }

  private lengthOfBlock(number: number): number {
    return Math.min(this.blockLength, this.used - number * this.blockLength);
  }
}
