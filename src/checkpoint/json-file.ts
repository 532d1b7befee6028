import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { S2sError } from '../errors.js';
import { replaceFile } from '../files/replace.mjs';
import { CHECKPOINT_VERSION } from './state.js';

/** Since this format version, files have a `checksum`: the SHA-256 (hex) of their other keys as compact JSON. */
const FIRST_WITH_CHECKSUM = 2;

type Versioned = { readonly version: number };

/** Writes an object as JSON with its checksum, atomically. */
export async function writeJsonFile<Value extends Versioned>(file: string, value: Value): Promise<void> {
  const plain = JSON.parse(JSON.stringify(value)) as object;
  await replaceFile(file, `${JSON.stringify({ ...plain, checksum: checksum(plain) }, undefined, 2)}\n`);
}

/**
 * Reads a versioned JSON file, verifies its checksum and validates it. Files of version 1 have no checksum.
 *
 * @throws S2sError `checkpoint-version` if a newer s2s wrote the file, `checkpoint-damaged` if the checksum differs,
 *   `checkpoint-invalid`, listing every problem, if it is malformed. For a missing file, the error of `readFile`.
 */
export async function readJsonFile<Schema extends z.ZodType>(file: string, schema: Schema): Promise<z.output<Schema>> {
  const text = await readFile(file, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new S2sError('checkpoint-invalid', 'this file is not JSON', { place: { file }, cause });
  }
  const result = schema.safeParse(withoutChecksum(file, value));
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  throw new S2sError('checkpoint-invalid', `this file is invalid (${problems.join('; ')})`, {
    place: { file },
  });
}

function withoutChecksum(file: string, value: unknown): unknown {
  if (!isVersioned(value)) return value;
  if (value.version > CHECKPOINT_VERSION) {
    const supported = `version ${CHECKPOINT_VERSION}, the newest that this s2s can read`;
    const problem = `format version ${value.version} is newer than ${supported}`;
    throw new S2sError('checkpoint-version', problem, {
      place: { file },
      hint: 'It was written by a newer s2s: update s2s.',
    });
  }
  if (value.version < FIRST_WITH_CHECKSUM) return value;
  const { checksum: recorded, ...rest } = value as Versioned & { checksum?: unknown };
  if (recorded === checksum(rest)) return rest;
  const problem = 'this file is damaged: its checksum does not match its content';
  throw new S2sError('checkpoint-damaged', problem, { place: { file } });
}

function isVersioned(value: unknown): value is Versioned {
  return typeof value === 'object' && value !== null && 'version' in value && typeof value.version === 'number';
}

function checksum(value: object): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
