import { createHash } from 'node:crypto';

/** Bytes for one read, write or hash call. Node takes less than 2 GiB at once. */
export const PIECE_BYTES = 1 << 26;

/**
 * The bytes of memory from `start` to `end` - 1, one view after the other. A single view of them can be longer than a typed
 * array may be: 4 GiB in Node 20.
 */
export function* piecesOf(
  memory: ArrayBufferLike,
  start: number,
  end: number,
  pieceBytes: number = PIECE_BYTES,
): Generator<Uint8Array> {
  for (let at = start; at < end; at += pieceBytes) yield new Uint8Array(memory, at, Math.min(pieceBytes, end - at));
}

/** SHA-256 (hex) of byte sequences, one after the other. */
export function sha256Of(pieces: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}
