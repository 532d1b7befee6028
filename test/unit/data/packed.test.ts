import assert from 'node:assert/strict';
import { Hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import { readCache, writeCache } from '../../../src/data/cache.js';
import { NumberList } from '../../../src/data/number-list.js';
import { validateCorpusBuffer } from '../../../src/data/packed-format.js';
import { PackedCorpus, PackedCorpusBuilder } from '../../../src/data/packed.js';
import { temporaryFolder } from './fixtures.js';

const { folder } = temporaryFolder();
const PAIRS = [
  [[4, 5, 6], [7]],
  [[], [8, 9]],
  [[10], []],
  [
    [11, 12, 13, 14, 15, 16, 17],
    [18, 19],
  ],
] as const;

/** Target ids take four bytes, source ids two. */
function smallBuilder(): PackedCorpusBuilder {
  const builder = new PackedCorpusBuilder({ source: 20, target: 70_000 }, 2);
  PAIRS.forEach(([source, target], index) => builder.add(source, target, index < 3 ? 0 : 1, 10 + index));
  return builder;
}

const pairsOf = (corpus: PackedCorpus) =>
  Array.from({ length: corpus.size }, (_, index) => [[...corpus.source(index)], [...corpus.target(index)]]);

test('hashing, writing and reading a corpus in chunks does not depend on the chunk size', async () => {
  const whole = Buffer.from(smallBuilder().build('key', { a: 1 }).buffer);
  const update = mock.method(Hash.prototype, 'update');
  for (const chunkBytes of [1, 7, 64, 1000]) {
    update.mock.resetCalls();
    const corpus = smallBuilder().build('key', { a: 1 }, chunkBytes);
    const file = path.join(folder, `pieces-${chunkBytes}.bin`);
    await writeCache(file, corpus, chunkBytes);
    const read = (await readCache(file, 'key', chunkBytes)).corpus!;
    // The header is hashed as a whole, since it is always small.
    const header = whole.readUInt32LE(12);
    const sizes = update.mock.calls
      .map(({ arguments: [data] }) => (data as unknown as Uint8Array).length)
      .filter((bytes) => bytes !== header);
    assert.ok(sizes.length > 0 && Math.max(...sizes) <= chunkBytes, `${Math.max(...sizes)} bytes at once`);
    assert.deepEqual([Buffer.from(corpus.buffer), readFileSync(file), Buffer.from(read.buffer)], [whole, whole, whole]);
    assert.deepEqual(pairsOf(read), PAIRS);
    assert.deepEqual(read.origin(3), { corpus: 1, line: 13 });
  }
  update.mock.restore();
});

test('corruption of the header or of any section is detected', () => {
  const { buffer } = smallBuilder().build('key', {}, 7);
  const bytes = new Uint8Array(buffer);
  const problems = new Set<string | undefined>();
  for (let at = 0; at < bytes.length; at++) {
    bytes[at]! ^= 1;
    const problem = validateCorpusBuffer(buffer, 'key', 7);
    bytes[at]! ^= 1;
    // Alignment padding between sections is not checked.
    if (problem !== undefined) problems.add(problem.replace(/\d+/g, 'N'));
  }
  const damaged = ['sourceOffsets', 'targetOffsets', 'lines', 'sourceIds', 'targetIds'].map(
    (name) => `its ${name} are corrupted`,
  );
  assert.deepEqual(
    [...problems],
    ['it is not an encoded corpus', 'it has format version N, not N', 'its header is corrupted', ...damaged],
  );
  assert.equal(validateCorpusBuffer(buffer, 'key', 7), undefined);
  assert.equal(validateCorpusBuffer(buffer, 'other', 7), 'it was built from different data');
});

test('a number list returns what was added, for any block size', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(2 ** 32 - 1)),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 50 }),
      (numbers, blockLength, chunkBytes) => {
        const list = new NumberList((length) => new Uint32Array(length), blockLength);
        for (const number of numbers) list.push(number);
        const bytes = Buffer.from(Uint32Array.from(numbers).buffer);
        assert.deepEqual([...list.values()], numbers);
        assert.equal(list.length, numbers.length);
        assert.deepEqual(Buffer.concat([...list.bytes(chunkBytes)]), bytes);
        assert.deepEqual(Buffer.concat([...list.takeBytes(chunkBytes)]), bytes);
        assert.deepEqual([list.length, ...list.bytes()], [0]);
      },
    ),
  );
});

const large = {
  skip:
    process.env['S2S_LARGE_TESTS'] === undefined
      ? 'needs 7 GB of memory and 3 GB of disk: set S2S_LARGE_TESTS=1'
      : false,
};

test('a corpus with more than 2 GiB of ids is built, written, read and validated', large, async () => {
  const sentence = Array.from({ length: 1000 }, (_, index) => 70_000 + index);
  const builder = new PackedCorpusBuilder({ source: 80_000, target: 80_000 }, 1);
  const pairs = 580_000;
  for (let pair = 0; pair < pairs; pair++) {
    sentence[0] = 60_000 + (pair % 10_000);
    builder.add(sentence, [4 + (pair % 1000)], 0, pair + 1);
  }
  const file = path.join(folder, 'large.bin');
  await writeCache(file, builder.build('large', {}));
  assert.ok(statSync(file).size > 2 ** 31);
  const { corpus, problem } = await readCache(file, 'large');
  assert.equal(problem, undefined);
  for (const pair of [0, 1, 123_456, pairs - 1]) {
    const ids = corpus!.source(pair);
    assert.deepEqual(
      [ids.length, ids[0], ids[999], ...corpus!.target(pair)],
      [1000, 60_000 + (pair % 10_000), 70_999, 4 + (pair % 1000)],
    );
  }
});

test('ids at offsets beyond 2^32 are read', large, () => {
  // Untouched pages take no physical memory, so only the last sentence is written.
  const pairs = 2;
  const ids = 2 ** 32 + 5;
  const offsets = [0, ids - 3, ids];
  const section = (offset: number, bytes: number, elementBytes: number) => ({
    offset,
    bytes,
    elementBytes,
    sha256: '',
  });
  const sections = {
    sourceOffsets: section(0, 24, 8),
    targetOffsets: section(64, 12, 4),
    lines: section(128, 8, 4),
    sourceIds: section(192, 2 * ids, 2),
    targetIds: section(192 + 64 * Math.ceil(ids / 32), 0, 2),
  };
  const header = Buffer.from(JSON.stringify({ key: '', size: pairs, corpusSizes: [pairs], notes: {}, sections }));
  const start = 64 * Math.ceil((64 + header.length) / 64);
  const buffer = new SharedArrayBuffer(start + sections.targetIds.offset);
  new DataView(buffer).setUint32(12, header.length, true);
  new Uint8Array(buffer, 64, header.length).set(header);
  new Float64Array(buffer, start, 3).set(offsets);
  new Uint16Array(buffer, start + 192 + 2 * (ids - 3), 3).set([7, 8, 9]);
  const corpus = new PackedCorpus(buffer);
  assert.deepEqual([corpus.sourceLength(1), ...corpus.source(1)], [3, 7, 8, 9]);
});
