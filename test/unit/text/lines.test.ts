import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { readLineBlocks, readLines } from '../../../src/text/lines.js';

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

test('lines end in LF only; CR, U+2028 and form feeds stay in their line', async () => {
  const file = fileOf('odd.txt', 'one\r\ntwo\u2028still two\fand still\u0085\n\nthree');
  assert.deepEqual(await collect(readLines(file)), ['one\r', 'two\u2028still two\fand still\u0085', '', 'three']);
});

test('an empty file has no lines, a lone LF makes one empty line', async () => {
  assert.deepEqual(await collect(readLines(fileOf('empty.txt', ''))), []);
  assert.deepEqual(await collect(readLines(fileOf('feed.txt', '\n'))), ['']);
});

test('a byte order mark is left out at the start and kept elsewhere', async () => {
  assert.deepEqual(await collect(readLines(fileOf('bom.txt', '\uFEFFa\n\uFEFFb\n'))), ['a', '\uFEFFb']);
});

test('gzip is recognised by content, with several members too', async () => {
  const bytes = Buffer.concat([gzipSync('eins\nzw'), gzipSync('ei\n')]);
  assert.deepEqual(await collect(readLines(fileOf('text.gz', bytes))), ['eins', 'zwei']);
  assert.deepEqual(await collect(readLines(Readable.from([bytes.subarray(0, 1), bytes.subarray(1)]))), ['eins', 'zwei']);
});

test('however the bytes are cut, the lines are the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }).filter((line) => !line.includes('\n') && !line.includes('\uFEFF'))), fc.integer({ min: 1, max: 7 }), async (lines, size) => {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
      assert.deepEqual(await collect(readLines(Readable.from(chunks))), lines);
    }),
  );
});

test('a block is given as soon as its bytes are there', async () => {
  const stream = new Readable({ read() {} });
  const blocks = readLineBlocks(stream);
  stream.push('a\nb\nc');
  assert.deepEqual((await blocks.next()).value, ['a', 'b']);
  stream.push('\n');
  assert.deepEqual((await blocks.next()).value, ['c']);
  await blocks.return(undefined);
  assert.ok(stream.destroyed);
});

test('invalid UTF-8 names file and line, after all lines before it', async () => {
  const bytes = Buffer.concat([Buffer.from('gut\n\nnoch gut\n'), Buffer.from([0x66, 0xfc, 0x72, 0x0a]), Buffer.from('gut\n')]);
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

test('a missing file, a folder and a cut gzip file are named', async () => {
  const missing = join(folder, 'none.txt');
  await assert.rejects(collect(readLines(missing)), { code: 'file-unreadable', message: 'there is no such file', place: { file: missing } });
  await assert.rejects(collect(readLines(folder)), { code: 'file-unreadable', message: 'is a folder, not a file' });
  const cut = fileOf('cut.gz', gzipSync('a line that is cut\n'.repeat(50)).subarray(0, 30));
  await assert.rejects(collect(readLines(cut)), { code: 'gzip-broken', place: { file: cut } });
});
