import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../files/make-folder.mjs';
import { replaceFile } from '../files/replace.mjs';

/** Files up to this size are always hashed (0.1 s); larger ones only if their metadata changed. */
const ALWAYS_READ_BYTES = 64 << 20;
/** A file modified more recently than this may change again without a new time stamp. */
const SETTLED_MS = 2000;

const hashCacheSchema = z.record(z.string(), z.object({ signature: z.string(), sha256: z.string() }));

/**
 * SHA-256 (hex) of the content of each file, or undefined if one is not a regular file (a pipe can be read only once).
 *
 * Hashes of large files are cached in `directory`, keyed by path, device, inode, size, mtime and ctime; ctime changes
 * even if a program resets mtime.
 *
 * @param alwaysReadBytes files up to this size are always hashed
 */
export async function contentHashes(
  files: readonly string[],
  directory: string,
  alwaysReadBytes = ALWAYS_READ_BYTES,
): Promise<string[] | undefined> {
  const cacheFile = path.join(directory, 'content-hashes.json');
  const cached = await readHashCache(cacheFile);
  let isChanged = false;
  const hashes: string[] = [];
  for (const file of files) {
    const signature = await fileSignature(file);
    if (signature === undefined) return undefined;
    const known = cached[path.resolve(file)];
    if (known?.signature === signature.text && signature.bytes > alwaysReadBytes) {
      hashes.push(known.sha256);
      continue;
    }
    const started = Date.now();
    const sha256 = await hashFile(file);
    hashes.push(sha256);
    if (signature.bytes > alwaysReadBytes && started - signature.changedMs > SETTLED_MS) {
      cached[path.resolve(file)] = { signature: signature.text, sha256 };
      isChanged = true;
    }
  }
  if (isChanged) await writeHashCache(cacheFile, cached);
  return hashes;
}

/** Metadata that change with a regular file, or undefined for anything else, including a missing file. */
export async function fileSignature(
  file: string,
): Promise<{ text: string; bytes: number; changedMs: number } | undefined> {
  try {
    const stats = await stat(file, { bigint: true });
    if (!stats.isFile()) return undefined;
    return {
      text: [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':'),
      bytes: Number(stats.size),
      changedMs: Number(stats.ctimeNs / 1_000_000n),
    };
  } catch {
    return undefined;
  }
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** The cache only saves time: an invalid one counts as empty. */
async function readHashCache(file: string): Promise<z.infer<typeof hashCacheSchema>> {
  try {
    return hashCacheSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return {};
  }
}

async function writeHashCache(file: string, content: z.infer<typeof hashCacheSchema>): Promise<void> {
  try {
    makeFolder(path.dirname(file));
    await replaceFile(file, JSON.stringify(content, undefined, 1));
  } catch {
    // Without the cache, the files are hashed again next time.
  }
}
