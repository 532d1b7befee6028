import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import type { z } from 'zod';
import { S2sError } from '../errors.js';

/** Writes a value as JSON: to a temporary name, flushed to disk, then renamed, so that the file is never half there. */
export async function writeJsonFile(file: string, value: unknown): Promise<void> {
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(`${JSON.stringify(value, undefined, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Reads a versioned JSON file and validates it.
 *
 * @throws S2sError naming the file and every problem: `checkpoint-version` when another version of s2s wrote it,
 *   `checkpoint-invalid` otherwise. A missing file throws what `readFile` throws.
 */
export async function readJsonFile<Schema extends z.ZodType>(file: string, schema: Schema, version: number): Promise<z.output<Schema>> {
  const text = await readFile(file, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new S2sError('checkpoint-invalid', 'this file is not JSON', { place: { file }, cause });
  }
  const found = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined;
  if (typeof found === 'number' && found !== version) {
    const hint = found > version ? 'A newer s2s wrote it; update s2s.' : 'An older s2s wrote it; train again, or use that version.';
    throw new S2sError('checkpoint-version', `format version ${found} is not the version ${version} that this s2s reads`, { place: { file }, hint });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  throw new S2sError('checkpoint-invalid', `this file is not as it should be (${problems.join('; ')})`, { place: { file } });
}
