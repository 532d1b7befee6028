import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { replaceFile } from '../files/replace.mjs';
import { problemOfImage, PackedCorpus } from './packed.js';

/** Bytes for one read or write: Node takes at most 2 GiB at once. */
const PIECE_BYTES = 1 << 30;

/** File for the content that a key names. */
export function cacheFile(directory: string, key: string): string {
  return path.join(directory, `corpus-${createHash('sha256').update(key).digest('hex').slice(0, 24)}.bin`);
}

/**
 * Reads an encoded corpus back.
 * @returns the corpus; why the file cannot be used; or nothing where there is no file
 */
export async function readCache(file: string, key: string): Promise<{ corpus?: PackedCorpus; problem?: string }> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const buffer = new SharedArrayBuffer(size);
      let filled = 0;
      while (filled < size) {
        const { bytesRead } = await handle.read(new Uint8Array(buffer, filled, Math.min(PIECE_BYTES, size - filled)));
        if (bytesRead === 0) return { problem: 'it became shorter while it was read' };
        filled += bytesRead;
      }
      const problem = problemOfImage(buffer, key);
      return problem === undefined ? { corpus: new PackedCorpus(buffer) } : { problem };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? {} : { problem: (error as Error).message };
  }
}

/** Writes an encoded corpus; a reader finds the whole file or none. */
export async function writeCache(file: string, corpus: PackedCorpus): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await replaceFile(file, async (draft) => {
    const size = corpus.buffer.byteLength;
    for (let written = 0; written < size; ) {
      const piece = new Uint8Array(corpus.buffer, written, Math.min(PIECE_BYTES, size - written));
      written += (await draft.write(piece)).bytesWritten;
    }
  });
}
