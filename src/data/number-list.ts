import { PIECE_BYTES, piecesOf } from './pieces.js';

/** Numbers of one kind in memory outside of JavaScript's heap. */
export type NumberArray = Uint16Array | Uint32Array | Float64Array;

/** Numbers of a block. */
const BLOCK_LENGTH = 1 << 20;

/**
 * A list that grows by whole blocks. It has no limit of its own: an array in JavaScript's heap would end at the heap limit,
 * and one typed array at 2^32 numbers, with twice its memory in use while it grows.
 */
export class NumberList<Numbers extends NumberArray> {
  private blocks: Numbers[] = [];
  private used = 0;

  /**
   * @param allocate makes a block for this many numbers
   * @param blockLength numbers of a block
   */
  constructor(
    private readonly allocate: (length: number) => Numbers,
    private readonly blockLength: number = BLOCK_LENGTH,
  ) {}

  get length(): number {
    return this.used;
  }

  push(value: number): void {
    const place = this.used % this.blockLength;
    if (place === 0) this.blocks.push(this.allocate(this.blockLength));
    this.blocks.at(-1)![place] = value;
    this.used++;
  }

  *values(): Generator<number> {
    for (const [number, block] of this.blocks.entries()) yield* block.subarray(0, this.filledIn(number));
  }

  /** The bytes of the numbers in order, one view after the other. */
  *bytes(pieceBytes: number = PIECE_BYTES): Generator<Uint8Array> {
    for (const number of this.blocks.keys()) yield* this.bytesOfBlock(number, pieceBytes);
  }

  /** As `bytes`, but the list is empty afterwards: each block is released when its bytes have been taken. */
  *takeBytes(pieceBytes: number = PIECE_BYTES): Generator<Uint8Array> {
    for (const number of this.blocks.keys()) {
      yield* this.bytesOfBlock(number, pieceBytes);
      this.blocks[number] = this.allocate(0);
    }
    this.blocks = [];
    this.used = 0;
  }

  private *bytesOfBlock(number: number, pieceBytes: number): Generator<Uint8Array> {
    const block = this.blocks[number]!;
    yield* piecesOf(block.buffer, 0, this.filledIn(number) * block.BYTES_PER_ELEMENT, pieceBytes);
  }

  private filledIn(number: number): number {
    return Math.min(this.blockLength, this.used - number * this.blockLength);
  }
}
