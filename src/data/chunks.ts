import { createHash } from 'node:crypto';

/** Bytes per read, write or hash call. Node accepts less than 2 GiB per call. */
export const CHUNK_BYTES = 1 << 26;

/**
 * Splits the bytes from `start` to `end` - 1 into views of at most `chunkBytes`. A single view could exceed the maximum
 * length of a typed array (4 GiB in Node 20).
 */
export function* chunksOf(
  memory: ArrayBufferLike,
  start: number,
  end: number,
  chunkBytes: number = CHUNK_BYTES,
): Generator<Uint8Array> {
  for (let at = start; at < end; at += chunkBytes) yield new Uint8Array(memory, at, Math.min(chunkBytes, end - at));
}

/** SHA-256 (hex) of the concatenated chunks. */
export function sha256Of(chunks: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}
