import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readSafetensors, writeSafetensors, type SavedTensor } from '../../../src/checkpoint/safetensors.js';
import { S2sError } from '../../../src/errors.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 's2s-safetensors-'));
});
after(() => rm(folder, { recursive: true }));

const FIXTURES = 'test/golden/safetensors';

/** The tensors of the golden files, see their README. */
const tensors = new Map<string, SavedTensor>([
  [
    'encoder.layers.0.forward.kernel',
    { dtype: 'F32', shape: [2, 3], data: new Float32Array([0, 0.25, 0.5, 0.75, 1, 1.25]) },
  ],
  ['größe', { dtype: 'F64', shape: [2], data: new Float64Array([1.5, -2.25]) }],
  ['scalar', { dtype: 'I32', shape: [], data: new Int32Array([7]) }],
  ['empty', { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) }],
  ['long', { dtype: 'I64', shape: [2], data: new BigInt64Array([2n ** 40n, -1n]) }],
  ['bytes', { dtype: 'U8', shape: [3], data: new Uint8Array([0, 255, 3]) }],
  ['half', { dtype: 'F16', shape: [2], data: new Uint16Array([0x3c00, 0xb800]) }],
  ['flag', { dtype: 'BOOL', shape: [3], data: new Uint8Array([1, 0, 1]) }],
]);
const metadata = { format: 'np', note: 'ä' };

function byName(entries: ReadonlyMap<string, SavedTensor>): [string, SavedTensor][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

test('a file written by Python is read with the same names, shapes and values', async () => {
  const file = await readSafetensors(join(FIXTURES, 'python.safetensors'));
  assert.deepEqual(byName(file.tensors), byName(tensors));
  assert.deepEqual(file.metadata, metadata);
});

test('the written file is identical to a file that Python can read', async () => {
  const file = join(folder, 'written.safetensors');
  await writeSafetensors(file, tensors, metadata);
  assert.deepEqual(await readFile(file), await readFile(join(FIXTURES, 'written.safetensors')));
});

test('written tensors are read back, and no other file is left', async () => {
  const inner = await mkdtemp(join(folder, 'round-'));
  const view = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
  await writeSafetensors(
    join(inner, 'a'),
    new Map([
      ['view', { dtype: 'F32', shape: [2], data: view }],
      ['__proto__', { dtype: 'U8', shape: [1], data: new Uint8Array([5]) }],
    ]),
  );
  const { tensors: found, metadata: none } = await readSafetensors(join(inner, 'a'));
  assert.deepEqual([...found.get('view')!.data], [1, 2]);
  assert.deepEqual([...found.get('__proto__')!.data], [5]);
  assert.deepEqual(none, {});
  assert.deepEqual(await readdir(inner), ['a']);
});

test('a tensor that does not match its shape or dtype is rejected, and no file is left', async () => {
  const file = join(folder, 'refused');
  await assert.rejects(
    writeSafetensors(file, new Map([['w', { dtype: 'F32', shape: [2, 2], data: new Float32Array(3) }]])),
    /tensor w should be F32 \[2, 2\], but has 3 values in a Float32Array/,
  );
  await assert.rejects(
    writeSafetensors(file, new Map([['w', { dtype: 'F32', shape: [2], data: new Int32Array(2) }]])),
    /tensor w should be F32 \[2\], but has 2 values in a Int32Array/,
  );
  assert.ok(!(await readdir(folder)).includes('refused'));
});

function fileOf(header: string | Buffer, data: number, claimed?: number): Buffer {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(claimed ?? json.length));
  return Buffer.concat([length, json, Buffer.alloc(data)]);
}
const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32'): string =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

const malformed: [string, Buffer, RegExp][] = [
  ['an empty file', Buffer.alloc(0), /0 bytes cannot hold a header/],
  [
    'a header longer than the format allows',
    fileOf('{}', 0, 200_000_000),
    /claims 200000000 bytes, more than the format allows/,
  ],
  ['a header length that does not fit a number', Buffer.alloc(16, 0xff), /more than the format allows/],
  ['a header beyond the end of the file', fileOf('{}', 0, 50), /claims 50 bytes, but the file has only 10/],
  ['a header that is not JSON', fileOf('{"a":', 0), /the header is not JSON/],
  ['a header that is not UTF-8', fileOf(Buffer.from([0x7b, 0xff, 0x7d]), 0), /the header is not JSON/],
  ['a header that is a list', fileOf('[]', 0), /not a JSON object/],
  ['metadata other than strings', fileOf('{"__metadata__":{"a":1}}', 0), /__metadata__ is not a map of strings/],
  ['an entry that is no object', fileOf('{"a":1}', 0), /entry of tensor a is not an object/],
  ['an unknown dtype', fileOf(`{"a":${entry(0, 4, [1], 'F33')}}`, 4), /tensor a has the unknown dtype "F33"/],
  [
    'a dtype named like a property of every object',
    fileOf(`{"a":${entry(0, 4, [1], 'toString')}}`, 4),
    /unknown dtype "toString"/,
  ],
  ['a negative size', fileOf(`{"a":${entry(0, 4, [-1])}}`, 4), /tensor a has the shape \[-1\]/],
  ['a size that is no integer', fileOf(`{"a":${entry(0, 4, [0.5])}}`, 4), /tensor a has the shape/],
  [
    'offsets that are not a pair',
    fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}', 4),
    /tensor a has the offsets/,
  ],
  [
    'offsets that disagree with the shape',
    fileOf(`{"a":${entry(0, 4, [2])}}`, 4),
    /takes 8 bytes, but its offsets are 0 to 4/,
  ],
  ['a shape whose product overflows', fileOf(`{"a":${entry(0, 4, [2 ** 52, 2 ** 52])}}`, 4), /takes .* bytes/],
  ['offsets beyond the end', fileOf(`{"a":${entry(0, 8)}}`, 4), /take 8 bytes, but 4 follow/],
  ['bytes that no tensor claims', fileOf(`{"a":${entry(0, 4)}}`, 8), /take 4 bytes, but 8 follow/],
  [
    'a gap',
    fileOf(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12),
    /tensor b starts at 8, but the one before it ends at 4/,
  ],
  [
    'an overlap',
    fileOf(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12),
    /tensor b starts at 4, but the one before it ends at 8/,
  ],
  ['a name that occurs twice', fileOf(`{"a":${entry(0, 4)},"\\u0061":${entry(4, 8)}}`, 8), /the name a occurs twice/],
];

for (const [title, bytes, message] of malformed) {
  test(`${title} is rejected`, async () => {
    const file = join(folder, 'malformed.safetensors');
    await writeFile(file, bytes);
    await assert.rejects(readSafetensors(file), (error: unknown) => {
      assert.ok(error instanceof S2sError);
      assert.equal(error.code, 'safetensors-invalid');
      assert.equal(error.place?.file, file);
      assert.match(error.message, message);
      return true;
    });
  });
}

test('braces and quotes in a tensor name are not parsed as JSON structure', async () => {
  const file = join(folder, 'names.safetensors');
  const names = ['{"a":', '\\"', 'dtype', 'shape'];
  await writeSafetensors(
    file,
    new Map(names.map((name, i) => [name, { dtype: 'I32' as const, shape: [1], data: new Int32Array([i]) }])),
  );
  const { tensors: found } = await readSafetensors(file);
  assert.deepEqual(
    names.map((name) => found.get(name)?.data[0]),
    [0, 1, 2, 3],
  );
});
