import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { MAX_LINE_BYTES, readLineBlocks, readLines } from '../../../src/text/lines.js';

const folder = mkdtempSync(join(tmpdir(), 's2s-lines-'));
after(() => rmSync(folder, { recursive: true }));

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function fileOf(name: string, bytes: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

test('only LF ends a line; CR, U+2028 and form feed do not', async () => {
  const file = fileOf('odd.txt', 'one\r\ntwo\u2028still two\fand still\u0085\n\nthree');
  assert.deepEqual(await collect(readLines(file)), ['one\r', 'two\u2028still two\fand still\u0085', '', 'three']);
});

test('an empty file has no lines, a single LF is one empty line', async () => {
  assert.deepEqual(await collect(readLines(fileOf('empty.txt', ''))), []);
  assert.deepEqual(await collect(readLines(fileOf('feed.txt', '\n'))), ['']);
});

test('a byte order mark is removed at the start and kept elsewhere', async () => {
  assert.deepEqual(await collect(readLines(fileOf('bom.txt', '\uFEFFa\n\uFEFFb\n'))), ['a', '\uFEFFb']);
});

test('gzip is detected by content, also with several members', async () => {
  const bytes = Buffer.concat([gzipSync('eins\nzw'), gzipSync('ei\n')]);
  assert.deepEqual(await collect(readLines(fileOf('text.gz', bytes))), ['eins', 'zwei']);
  assert.deepEqual(await collect(readLines(Readable.from([bytes.subarray(0, 1), bytes.subarray(1)]))), [
    'eins',
    'zwei',
  ]);
});

test('lines do not depend on the boundaries of chunks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme' }).filter((line) => !line.includes('\n') && !line.includes('\uFEFF'))),
      fc.integer({ min: 1, max: 7 }),
      async (lines, size) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        );
        assert.deepEqual(await collect(readLines(Readable.from(chunks))), lines);
      },
    ),
  );
});

test('a block is yielded as soon as its bytes arrive', async () => {
  const stream = new Readable({ read() {} });
  const blocks = readLineBlocks(stream);
  stream.push('a\nb\nc');
  assert.deepEqual((await blocks.next()).value, ['a', 'b']);
  stream.push('\n');
  assert.deepEqual((await blocks.next()).value, ['c']);
  await blocks.return(undefined);
  assert.ok(stream.destroyed);
});

test('invalid UTF-8 is an error with file and line, after all lines before it', async () => {
  const bytes = Buffer.concat([
    Buffer.from('gut\n\nnoch gut\n'),
    Buffer.from([0x66, 0xfc, 0x72, 0x0a]),
    Buffer.from('gut\n'),
  ]);
  const file = fileOf('latin1.txt', bytes);
  await assert.rejects(collect(readLines(file)), { code: 'invalid-utf8', place: { file, line: 4 } });
  const before: string[] = [];
  await assert.rejects(async () => {
    for await (const line of readLines(file)) before.push(line);
  });
  assert.deepEqual(before, ['gut', '', 'noch gut']);
  const pieces = Readable.from([bytes.subarray(0, 6), bytes.subarray(6)]);
  await assert.rejects(collect(readLines(pieces)), { code: 'invalid-utf8', place: { file: 'stdin', line: 4 } });
  const first = Readable.from([Buffer.from([0xff, 0x0a, 0x61])]);
  await assert.rejects(collect(readLines(first)), { place: { file: 'stdin', line: 1 } });
});

test('a missing file, a folder and a truncated gzip file are errors with the file', async () => {
  const missing = join(folder, 'none.txt');
  await assert.rejects(collect(readLines(missing)), {
    code: 'file-unreadable',
    message: 'there is no such file',
    place: { file: missing },
  });
  await assert.rejects(collect(readLines(folder)), { code: 'file-unreadable', message: 'is a folder, not a file' });
  const cut = fileOf('cut.gz', gzipSync('a line that is cut\n'.repeat(50)).subarray(0, 30));
  await assert.rejects(collect(readLines(cut)), { code: 'gzip-broken', place: { file: cut } });
});

/** An endless line in chunks, never in memory as a whole. */
function* endless(pieces: number, size = 1 << 16): Generator<Buffer> {
  const piece = Buffer.alloc(size, 'x');
  for (let i = 0; i < pieces; i++) yield piece;
}

test('a line longer than the limit is an error with its number', async () => {
  const limit = 'é'.repeat(MAX_LINE_BYTES / 2);
  const read: string[] = [];
  for await (const line of readLines(Readable.from([Buffer.from(`a\n${limit}\n${limit}`)]))) read.push(line);
  assert.deepEqual(
    read.map(({ length }) => length),
    [1, limit.length, limit.length],
  );
  for (const rest of ['', '\n', '\nb\n']) {
    const before: string[] = [];
    await assert.rejects(
      async () => {
        for await (const line of readLines(fileOf('long.txt', `a\n${limit}x${rest}`))) before.push(line);
      },
      { code: 'line-too-long', place: { file: join(folder, 'long.txt'), line: 2 } },
    );
    assert.deepEqual(before, ['a']);
  }
});

test('reading 1 GiB without a line feed needs little memory', async () => {
  const source = function* (): Generator<Buffer> {
    yield Buffer.from('a\n');
    yield* endless(1 << 14);
    yield Buffer.from('\nb\n');
  };
  await assert.rejects(collect(readLines(Readable.from(source()))), {
    code: 'line-too-long',
    place: { file: 'stdin', line: 2 },
  });
  const skipped: number[] = [];
  let most = 0;
  const before = process.memoryUsage().rss;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss - before)), 5);
  const lines = await collect(readLines(Readable.from(source()), { onSkipped: (line) => skipped.push(line) }));
  clearInterval(watch);
  assert.deepEqual(lines, ['a', '', 'b']);
  assert.deepEqual(skipped, [2]);
  assert.ok(most < 128 << 20, `${most >> 20} MiB`);
});

test('skipped lines are read as empty lines, for any chunk boundaries, plain or gzipped', async () => {
  const line = fc.oneof(
    fc.constantFrom('', 'short', 'é'),
    fc.integer({ min: -1, max: 2 }).map((more) => 'x'.repeat(MAX_LINE_BYTES + more)),
    fc.constant('é'.repeat(MAX_LINE_BYTES)),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 5 }),
      fc.constantFrom(1000, 1 << 18, 1 << 20, 1 << 23),
      fc.boolean(),
      fc.boolean(),
      async (lines, size, zipped, feed) => {
        const text = lines.map((each, i) => (feed || i + 1 < lines.length ? `${each}\n` : each)).join('');
        const bytes = zipped ? gzipSync(text, { level: 1 }) : Buffer.from(text);
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        );
        const skipped: number[] = [];
        const read = await collect(readLines(Readable.from(chunks), { onSkipped: (number) => skipped.push(number) }));
        const tooLong = lines.map((each) => Buffer.byteLength(each) > MAX_LINE_BYTES);
        const expected = lines.map((each, i) => (tooLong[i] ? '' : each));
        assert.deepEqual(
          read,
          text.endsWith('\n') || text === ''
            ? text === ''
              ? []
              : expected.slice(0, text.split('\n').length - 1)
            : expected,
        );
        assert.deepEqual(
          skipped,
          tooLong.flatMap((is, i) => (is ? [i + 1] : [])),
        );
      },
    ),
    { numRuns: 40 },
  );
});

test('with onInvalid, invalid bytes are read as U+FFFD and their lines are named', async () => {
  const bytes = Buffer.from('gut\n\xe4rger\n\nok\n\xff', 'latin1');
  for (const size of [1, 4, 100]) {
    const invalid: number[] = [];
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    const lines = await collect(readLines(Readable.from(chunks), { onInvalid: (line) => invalid.push(line) }));
    assert.deepEqual(lines, ['gut', '\ufffdrger', '', 'ok', '\ufffd']);
    assert.deepEqual(invalid, [2, 5]);
  }
});
