import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { S2sError } from '../errors.js';
import { replaceFile } from '../files/replace.mjs';
import { plural } from '../plural.js';
import {
  checkHeaderLength,
  computeLayout,
  DTYPES,
  encodeHeader,
  invalid,
  parseHeader,
  type Header,
  type SavedTensor,
  type SavedTensors,
  type SavedValues,
} from './safetensors-header.js';
import type { FileIdentity } from './state.js';

/*
 * The safetensors format (https://github.com/huggingface/safetensors, "Format"): the length N of the header in eight
 * bytes (little-endian), N bytes of header, then the values of all tensors without gaps.
 */

/** Node reads and writes at most 2 GiB per call; smaller chunks also keep the event loop responsive. */
const CHUNK_BYTES = 8 * 1024 * 1024;

export type { SavedTensor, SavedTensors };

export interface SafetensorsFile {
  readonly tensors: Map<string, SavedTensor>;
  readonly metadata: Record<string, string>;
}

/**
 * Writes tensors to a safetensors file atomically, without copying their values.
 *
 * @returns size and checksum of the file, computed from the values in memory
 * @throws S2sError `safetensors-invalid` if the values of a tensor do not match its dtype and shape
 */
export async function writeSafetensors(
  file: string,
  tensors: SavedTensors,
  metadata: Record<string, string> = {},
): Promise<FileIdentity> {
  const locations = computeLayout(file, tensors);
  const hash = createHash('sha256');
  let size = 0;
  await replaceFile(file, async (draft) => {
    const values = locations.map(({ name }) => bytesOf(tensors.get(name)!.data));
    for (const bytes of [encodeHeader({ locations, metadata }), ...values]) {
      await writeAll(draft, bytes, hash);
      size += bytes.length;
    }
  });
  return { bytes: size, sha256: hash.digest('hex') };
}

/**
 * Reads all tensors of a safetensors file, after validating its header (see `parseHeader`).
 *
 * @param recorded expected size and checksum; undefined skips this check
 * @throws S2sError `safetensors-invalid` if the file is malformed; `checkpoint-damaged` if size or checksum differ
 */
export async function readSafetensors(file: string, recorded?: FileIdentity): Promise<SafetensorsFile> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    if (recorded !== undefined && size !== recorded.bytes) {
      throw damaged(file, `it has ${size} bytes, but was saved with ${recorded.bytes}`);
    }
    const hash = recorded === undefined ? undefined : createHash('sha256');
    const { locations, metadata, dataStart } = await readHeader(file, handle, size, hash);
    const tensors = new Map<string, SavedTensor>();
    // The checksum needs all bytes in file order; there are no gaps between tensors.
    for (const { name, dtype, shape, begin, end } of locations) {
      const bytes = await readBytes(file, handle, dataStart + begin, end - begin, hash);
      tensors.set(name, { dtype, shape, data: new DTYPES[dtype](bytes) });
    }
    if (hash?.digest('hex') !== recorded?.sha256) {
      throw damaged(file, 'its SHA-256 checksum differs from the one it was saved with');
    }
    return { tensors, metadata };
  } finally {
    await handle.close();
  }
}

async function readHeader(
  file: string,
  handle: FileHandle,
  size: number,
  hash: Hash | undefined,
): Promise<Header & { dataStart: number }> {
  if (size < 8) throw invalid(file, `${plural(size, 'byte')} cannot hold a header`);
  const length = Number(Buffer.from(await readBytes(file, handle, 0, 8, hash)).readBigUInt64LE(0));
  checkHeaderLength(file, length, size);
  const dataStart = 8 + length;
  const json = await readBytes(file, handle, 8, length, hash);
  return { ...parseHeader(file, json, size - dataStart), dataStart };
}

function bytesOf(data: SavedValues): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, hash: Hash): Promise<void> {
  for (let start = 0; start < bytes.length;) {
    const chunk = bytes.subarray(start, start + CHUNK_BYTES);
    const writing = handle.write(chunk);
    // Overlaps with the write.
    hash.update(chunk);
    const { bytesWritten } = await writing;
    // After a short write, write the rest of the chunk, which is hashed already.
    for (let done = bytesWritten; done < chunk.length;) done += (await handle.write(chunk, done)).bytesWritten;
    start += chunk.length;
  }
}

async function readBytes(
  file: string,
  handle: FileHandle,
  start: number,
  length: number,
  hash: Hash | undefined,
): Promise<ArrayBuffer> {
  const buffer = new ArrayBuffer(length);
  const bytes = new Uint8Array(buffer);
  let hashed = 0;
  for (let done = 0; done < length;) {
    const reading = handle.read(bytes, done, Math.min(CHUNK_BYTES, length - done), start + done);
    // Overlaps with the read of the next chunk.
    hash?.update(bytes.subarray(hashed, done));
    hashed = done;
    const { bytesRead } = await reading;
    if (bytesRead === 0) throw invalid(file, `it is ${plural(length - done, 'byte')} too short`);
    done += bytesRead;
  }
  hash?.update(bytes.subarray(hashed));
  return buffer;
}

function damaged(file: string, problem: string): S2sError {
  return new S2sError('checkpoint-damaged', `this file is damaged: ${problem}`, {
    place: { file },
    hint: 'Copy it again, or use another checkpoint.',
  });
}
