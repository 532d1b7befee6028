import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { S2sError } from '../errors.js';
import { replaceFile } from '../files/replace.mjs';

/** Name of the file with the held-out pairs in a run directory. */
export const HELD_OUT_FILE = 'held-out.json';

const VERSION = 1;

const pairsSchema = z.array(
  z.strictObject({ source: z.string(), target: z.string(), file: z.string(), line: z.int().min(1) }),
);

const fileSchema = z.strictObject({
  version: z.literal(VERSION),
  /** Hash of what the draws depended on. */
  key: z.string(),
  pairs: z.strictObject({ dev: pairsSchema, test: pairsSchema }),
  checksum: z.string(),
});

/** A held-out pair with the file of its source side and its line (from 1). */
export type HeldOutPair = z.output<typeof pairsSchema>[number];
export type HeldOutPairs = Readonly<Record<'dev' | 'test', readonly HeldOutPair[]>>;

export interface HeldOutRecord {
  readonly key: string;
  readonly pairs: HeldOutPairs;
}

/** Writes the held-out pairs to a run directory, atomically. */
export async function writeHeldOutFile(runDirectory: string, { key, pairs }: HeldOutRecord): Promise<void> {
  await mkdir(runDirectory, { recursive: true });
  const content = { version: VERSION, key, pairs, checksum: checksumOf({ key, pairs }) };
  await replaceFile(path.join(runDirectory, HELD_OUT_FILE), `${JSON.stringify(content, undefined, 1)}\n`);
}

/**
 * Reads the held-out pairs of a run directory; undefined if it has none.
 * @throws S2sError `held-out-damaged`
 */
export async function readHeldOutFile(runDirectory: string): Promise<HeldOutRecord | undefined> {
  const file = path.join(runDirectory, HELD_OUT_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const content = fileSchema.safeParse(parse(text));
  if (content.success && content.data.checksum === checksumOf(content.data)) return content.data;
  throw new S2sError('held-out-damaged', 'this file is damaged, or was written by another version of s2s', {
    place: { file },
    hint: 'Restore it, or delete it: the pairs are then drawn again, and are the same if seed and text are.',
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function checksumOf({ key, pairs }: HeldOutRecord): string {
  return createHash('sha256')
    .update(JSON.stringify([key, pairs.dev, pairs.test]))
    .digest('hex');
}
