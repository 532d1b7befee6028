import { S2sError } from '../errors.js';
import { plural } from '../plural.js';

/*
 * The header of the safetensors format (https://github.com/huggingface/safetensors, "Format"): JSON that maps each
 * tensor name to {dtype, shape, data_offsets: [begin, end]}, with offsets relative to the end of the header;
 * `__metadata__` maps strings to strings.
 */

/** Maximum length of a header in bytes, from the specification. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';

/** Array type of each dtype. 16-bit floats, which JavaScript lacks, are stored as raw bits; a boolean is a byte. */
export const DTYPES = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export type SavedDtype = keyof typeof DTYPES;
export type SavedValues =
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Uint16Array
  | Int16Array
  | Int8Array
  | Uint8Array;

/** A tensor of a safetensors file, with its values in row-major order. */
export interface SavedTensor {
  readonly dtype: SavedDtype;
  readonly shape: readonly number[];
  readonly data: SavedValues;
}

export type SavedTensors = ReadonlyMap<string, SavedTensor>;

/** Position of the values of a tensor: byte offsets relative to the end of the header. */
export interface TensorLocation {
  readonly name: string;
  readonly dtype: SavedDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  /** In the order of the values in the file. */
  readonly locations: readonly TensorLocation[];
  readonly metadata: Record<string, string>;
}

/**
 * Assigns each tensor its position in a new file.
 *
 * @throws S2sError `safetensors-invalid` if the values of a tensor do not match its dtype and shape
 */
export function computeLayout(file: string, tensors: SavedTensors): TensorLocation[] {
  const ordered = [...tensors].map(([name, tensor]) => {
    const { dtype, shape, data } = tensor;
    if (name === METADATA)
      throw new S2sError('safetensors-invalid', `a tensor cannot be named ${METADATA}`, { place: { file } });
    if (!(data instanceof DTYPES[dtype]) || data.length !== elementsIn(shape)) {
      const found = `${plural(data.length, 'value')} in a ${data.constructor.name}`;
      const problem = `tensor ${name} should be ${dtype} [${shape.join(', ')}], but has ${found}`;
      throw new S2sError('safetensors-invalid', problem, { place: { file } });
    }
    return { name, dtype, shape, bytes: data.byteLength };
  });
  // The widest dtype first aligns every tensor to its element size. Sorting by name makes files reproducible.
  ordered.sort(
    (a, b) => DTYPES[b.dtype].BYTES_PER_ELEMENT - DTYPES[a.dtype].BYTES_PER_ELEMENT || (a.name < b.name ? -1 : 1),
  );
  let end = 0;
  return ordered.map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, begin: end, end: (end += bytes) }));
}

/** Encodes the header with its length prefix: the first bytes of the file. */
export function encodeHeader({ locations, metadata }: Header): Uint8Array {
  // Object.fromEntries, because an assignment to a key like __proto__ has side effects.
  const entries = locations.map(
    ({ name, dtype, shape, begin, end }) => [name, { dtype, shape, data_offsets: [begin, end] }] as const,
  );
  const described = Object.keys(metadata).length === 0 ? entries : [[METADATA, metadata] as const, ...entries];
  const json = Buffer.from(JSON.stringify(Object.fromEntries(described)), 'utf8');
  // Padding to a multiple of eight aligns the values for readers that map the file into memory.
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER_BYTES)
    throw new S2sError('safetensors-invalid', `the header has ${length} bytes, more than the format allows`);
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length), 0);
  json.copy(header, 8);
  return header;
}

/**
 * Checks the length of a header.
 *
 * @param length from the first eight bytes of the file
 * @param size of the file in bytes
 */
export function checkHeaderLength(file: string, length: number, size: number): void {
  if (length > MAX_HEADER_BYTES) throw invalid(file, `the header claims ${length} bytes, more than the format allows`);
  if (8 + length > size) throw invalid(file, `the header claims ${length} bytes, but the file has only ${size}`);
}

/**
 * Parses and validates a header: known dtypes, unique names, sizes that match the shapes, and values that fill the file
 * without gaps or overlap.
 *
 * @param bytes the JSON part of the header
 * @param dataBytes number of bytes after the header
 * @throws S2sError `safetensors-invalid`
 */
export function parseHeader(file: string, bytes: ArrayBuffer, dataBytes: number): Header {
  const { entries, metadata } = parseEntries(file, bytes);
  const locations = entries.map(([name, entry]) => checkEntry(file, name, entry)).toSorted(byPosition);
  checkCoverage(file, locations, dataBytes);
  return { locations, metadata };
}

function parseEntries(
  file: string,
  bytes: ArrayBuffer,
): { entries: [string, unknown][]; metadata: Record<string, string> } {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw invalid(file, 'the header is not JSON', cause);
  }
  if (!isObject(header)) throw invalid(file, 'the header is not a JSON object');
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw invalid(file, `the name ${repeated} occurs twice`);
  const entries = Object.entries(header).filter(([name]) => name !== METADATA);
  const metadata = Object.hasOwn(header, METADATA) ? header[METADATA] : {};
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw invalid(file, `${METADATA} is not a map of strings to strings`);
  }
  return { entries, metadata: metadata as Record<string, string> };
}

/** The first duplicate key at the top level of a JSON object; `JSON.parse` does not report it. */
function repeatedKey(json: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (const match of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/gs)) {
    const [token, string, colon] = match;
    if (string === undefined) depth += token === '{' || token === '[' ? 1 : -1;
    else if (depth === 1 && colon !== undefined) {
      const key = JSON.parse(string) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

function checkEntry(file: string, name: string, entry: unknown): TensorLocation {
  if (!isObject(entry)) throw invalid(file, `the entry of tensor ${name} is not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPES, dtype))
    throw invalid(file, `tensor ${name} has the unknown dtype ${JSON.stringify(dtype)}`);
  if (!isSizes(shape)) throw invalid(file, `tensor ${name} has the shape ${JSON.stringify(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw invalid(file, `tensor ${name} has the offsets ${JSON.stringify(offsets)}`);
  const [begin, end] = offsets as [number, number];
  const bytes = elementsIn(shape) * DTYPES[dtype as SavedDtype].BYTES_PER_ELEMENT;
  if (end - begin !== bytes) {
    const tensor = `tensor ${name} ${dtype} [${shape.join(', ')}]`;
    throw invalid(file, `${tensor} takes ${bytes} bytes, but its offsets are ${begin} to ${end}`);
  }
  return { name, dtype: dtype as SavedDtype, shape, begin, end };
}

function checkCoverage(file: string, locations: readonly TensorLocation[], dataBytes: number): void {
  let position = 0;
  for (const { name, begin, end } of locations) {
    if (begin !== position)
      throw invalid(file, `tensor ${name} starts at ${begin}, but the one before it ends at ${position}`);
    position = end;
  }
  if (position !== dataBytes)
    throw invalid(file, `the tensors take ${position} bytes, but ${dataBytes} follow the header`);
}

function byPosition(a: TensorLocation, b: TensorLocation): number {
  return a.begin - b.begin || a.end - b.end;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

function elementsIn(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function invalid(file: string, problem: string, cause?: unknown): S2sError {
  return new S2sError('safetensors-invalid', `not a valid safetensors file: ${problem}`, {
    place: { file },
    hint: 'The file is damaged or not a safetensors file: copy it again, or use another checkpoint.',
    cause,
  });
}
