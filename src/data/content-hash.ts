import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../files/replace.mjs';

/** Files up to this size are read again each time (0.1 s); larger ones only when their metadata have changed. */
const ALWAYS_READ_BYTES = 64 << 20;
/** A file changed this shortly before it was read may change again without another time stamp. */
const SETTLED_MS = 2000;

const memory = z.record(z.string(), z.object({ signature: z.string(), sha256: z.string() }));

/**
 * SHA-256 (hex) of the content of each file, or undefined when one is no regular file (a pipe can be read only once).
 *
 * The hashes of large files are remembered in `directory`, by path, size, inode and both time stamps; the change time
 * moves even when a program sets the modification time back.
 *
 * @param alwaysReadBytes files up to this size are read each time
 */
export async function contentHashes(
  files: readonly string[],
  directory: string,
  alwaysReadBytes = ALWAYS_READ_BYTES,
): Promise<string[] | undefined> {
  const memoryFile = path.join(directory, 'content-hashes.json');
  const remembered = await readMemory(memoryFile);
  let learned = false;
  const hashes: string[] = [];
  for (const file of files) {
    const signature = await fileSignature(file);
    if (signature === undefined) return undefined;
    const known = remembered[path.resolve(file)];
    if (known?.signature === signature.text && signature.bytes > alwaysReadBytes) {
      hashes.push(known.sha256);
      continue;
    }
    const started = Date.now();
    const sha256 = await hashFile(file);
    hashes.push(sha256);
    if (signature.bytes > alwaysReadBytes && started - signature.changedMs > SETTLED_MS) {
      remembered[path.resolve(file)] = { signature: signature.text, sha256 };
      learned = true;
    }
  }
  if (learned) await writeMemory(memoryFile, remembered);
  return hashes;
}

/** What changes when a regular file does; undefined for anything else. Missing files are left to their reader. */
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

/** Only saves time, so that whatever is wrong with it makes it empty. */
async function readMemory(file: string): Promise<z.infer<typeof memory>> {
  try {
    return memory.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return {};
  }
}

async function writeMemory(file: string, content: z.infer<typeof memory>): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await replaceFile(file, JSON.stringify(content, undefined, 1));
  } catch {
    // A folder that cannot be written costs the time of reading the files again.
  }
}
