import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { describeReadError, S2sError } from '../errors.js';
import { makeFolder } from '../files/make-folder.mjs';
import { replaceFile } from '../files/replace.mjs';
import { allocateCorpusBuffer, validateCorpusBuffer } from './packed-format.js';
import { PackedCorpus } from './packed.js';
import { CHUNK_BYTES, chunksOf } from './chunks.js';

/** Path of the cache file for a content key. */
export function cacheFile(directory: string, key: string): string {
  return path.join(directory, `corpus-${createHash('sha256').update(key).digest('hex').slice(0, 24)}.bin`);
}

/**
 * Reads and verifies a cached corpus.
 * @param chunkBytes bytes read and hashed at a time
 * @returns the corpus, or the reason the file cannot be used, or an empty object if there is no file
 * @throws S2sError `out-of-memory`
 */
export async function readCache(
  file: string,
  key: string,
  chunkBytes: number = CHUNK_BYTES,
): Promise<{ corpus?: PackedCorpus; problem?: string }> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const buffer = allocateCorpusBuffer(size);
      let filled = 0;
      while (filled < size) {
        const { bytesRead } = await handle.read(new Uint8Array(buffer, filled, Math.min(chunkBytes, size - filled)));
        if (bytesRead === 0) return { problem: 'it was truncated while being read' };
        filled += bytesRead;
      }
      const problem = validateCorpusBuffer(buffer, key, chunkBytes);
      return problem === undefined ? { corpus: new PackedCorpus(buffer) } : { problem };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof S2sError) throw error;
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? {} : { problem: describeReadError(error) };
  }
}

/** Writes a corpus to the cache atomically. */
export async function writeCache(file: string, corpus: PackedCorpus, chunkBytes: number = CHUNK_BYTES): Promise<void> {
  makeFolder(path.dirname(file));
  await replaceFile(file, async (draft) => {
    for (const chunk of chunksOf(corpus.buffer, 0, corpus.buffer.byteLength, chunkBytes)) {
      for (let written = 0; written < chunk.length;) written += (await draft.write(chunk, written)).bytesWritten;
    }
  });
}
