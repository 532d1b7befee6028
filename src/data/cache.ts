import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { S2sError } from '../errors.js';
import { replaceFile } from '../files/replace.mjs';
import { allocateImage, problemOfImage, PackedCorpus } from './packed.js';
import { PIECE_BYTES, piecesOf } from './pieces.js';

/** File for the content that a key names. */
export function cacheFile(directory: string, key: string): string {
  return path.join(directory, `corpus-${createHash('sha256').update(key).digest('hex').slice(0, 24)}.bin`);
}

/**
 * Reads an encoded corpus back.
 * @param pieceBytes bytes read and hashed at a time
 * @returns the corpus; why the file cannot be used; or nothing where there is no file
 * @throws S2sError `out-of-memory`
 */
export async function readCache(
  file: string,
  key: string,
  pieceBytes: number = PIECE_BYTES,
): Promise<{ corpus?: PackedCorpus; problem?: string }> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const buffer = allocateImage(size);
      let filled = 0;
      while (filled < size) {
        const { bytesRead } = await handle.read(new Uint8Array(buffer, filled, Math.min(pieceBytes, size - filled)));
        if (bytesRead === 0) return { problem: 'it became shorter while it was read' };
        filled += bytesRead;
      }
      const problem = problemOfImage(buffer, key, pieceBytes);
      return problem === undefined ? { corpus: new PackedCorpus(buffer) } : { problem };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof S2sError) throw error;
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? {} : { problem: (error as Error).message };
  }
}

/** Writes an encoded corpus; a reader finds the whole file or none. */
export async function writeCache(file: string, corpus: PackedCorpus, pieceBytes: number = PIECE_BYTES): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await replaceFile(file, async (draft) => {
    for (const piece of piecesOf(corpus.buffer, 0, corpus.buffer.byteLength, pieceBytes)) {
      for (let written = 0; written < piece.length;) written += (await draft.write(piece, written)).bytesWritten;
    }
  });
}
