import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { fileKindOf, needsMoreBytes } from '../../../src/text/file-kind.js';
import { readLineBlocks, readLines } from '../../../src/text/lines.js';

/** A tar archive of one file, with or without the `ustar` of POSIX. */
function tar(name: string, content: string, magic = 'ustar\u000000'): Buffer {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write('0000644\u00000000000\u00000000000\u0000', 100);
  header.write(`${content.length.toString(8).padStart(11, '0')}\u000000000000000\u0000`, 124);
  header.write('        0', 148);
  header.write(magic, 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148);
  return Buffer.concat([header, Buffer.from(content), Buffer.alloc(2048)]);
}

const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
const startingWith = (...bytes: number[]): Buffer => Buffer.concat([Buffer.from(bytes), Buffer.alloc(600, 0x9c)]);
const SENTENCES = 'the cat sleeps\na dog barks\n'.repeat(20);

async function errorOf(bytes: Buffer): Promise<unknown> {
  try {
    for await (const line of readLines(Readable.from([bytes]), { onSkipped: () => undefined })) void line;
  } catch (error) {
    return error;
  }
  return undefined;
}

test('archives and compressed files are refused by their first bytes, with the remedy, also inside gzip', async () => {
  const cases: [Buffer, string, RegExp][] = [
    [tar('train.en', SENTENCES), 'is a tar archive', /tar xf/],
    [tar('train.en', SENTENCES, ''), 'is a tar archive', /tar xf/],
    [startingWith(0x50, 0x4b, 3, 4), 'is a zip archive', /unzip/],
    [Buffer.from('504b0506', 'hex'), 'is a zip archive', /unzip/],
    [Buffer.concat([Buffer.from('BZh91AY&SY'), Buffer.alloc(40, 0xd7)]), 'is compressed with bzip2', /bunzip2/],
    [startingWith(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), 'is compressed with xz', /xz -d/],
    [startingWith(0x28, 0xb5, 0x2f, 0xfd), 'is compressed with zstd', /zstd -d/],
    [startingWith(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c), 'is a 7z archive', /7z x/],
    [gzipSync(SENTENCES), 'is compressed with gzip twice', /gunzip/],
  ];
  for (const [bytes, message, hint] of cases) {
    const zipped = (await errorOf(gzipSync(bytes))) as Error & { code: string; hint: string; exitCode: number };
    assert.deepEqual([zipped.code, zipped.message, zipped.exitCode], ['not-text', message, 1]);
    assert.match(zipped.hint, hint);
    if (message.includes('gzip')) continue;
    const plain = (await errorOf(bytes)) as Error & { code: string };
    assert.deepEqual([plain.code, plain.message], ['not-text', message]);
  }
});

test('UTF-16 is recognised in any script, and the hint names the encoding', () => {
  const texts = [
    SENTENCES,
    'Кошка спит.\nСобака лает громко.\n'.repeat(10),
    'η γάτα κοιμάται\n'.repeat(10),
    'החתול ישן\n'.repeat(10),
    'القط نائم\n'.repeat(10),
    '猫在睡觉。\n狗在叫。\n'.repeat(10),
    'बिल्ली सो रही है\n'.repeat(10),
    'ok\n',
  ];
  for (const text of texts) {
    for (const [bytes, encoding] of [
      [Buffer.from(`\ufeff${text}`, 'utf16le'), 'utf-16'],
      [utf16be(`\ufeff${text}`), 'utf-16'],
      [Buffer.from(text, 'utf16le'), 'utf-16le'],
      [utf16be(text), 'utf-16be'],
    ] as const)
      assert.match(fileKindOf(bytes)?.hint ?? `no kind: ${text}`, new RegExp(`iconv -f ${encoding} -t utf-8`));
  }
});

test('UTF-8 text is not mistaken for another kind', () => {
  for (const text of [
    'BZh9 is the start of a bzip2 file',
    'PK is a company',
    'Rar! cried the lion',
    '7z and xz',
    'LZIP',
    ']',
    'a\u0000b',
    'three\u0000four\nfive six\n',
    '\ufeffthe cat',
    `${SENTENCES}\u0000${SENTENCES}`,
    `${'ustar '.repeat(100)}`,
    `${'0000755 '.repeat(100)}`,
    '',
  ])
    assert.equal(fileKindOf(Buffer.from(text)), undefined, text);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 700 }), (text) => {
      const printable = text.replace(/\p{Cc}/gu, '');
      assert.equal(fileKindOf(Buffer.from(`a${printable}`)), undefined);
    }),
  );
});

test('a line that begins like an archive is read as soon as it is whole', async () => {
  for (const start of ['PK\n', 'BZ\n', '(\n', 'a\u0000\n', 'BZh9\n']) {
    const input = new Readable({ read: () => undefined });
    const blocks = readLineBlocks(input);
    input.push(start);
    assert.deepEqual((await blocks.next()).value, [start.slice(0, -1)]);
    await blocks.return(undefined);
  }
});

test('the kind is recognised for any boundaries of chunks', () => {
  for (const bytes of [tar('a', SENTENCES), startingWith(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), utf16be(SENTENCES)]) {
    for (const step of [1, 7, 300]) {
      let head = 0;
      while (needsMoreBytes(bytes.subarray(0, head))) head += step;
      assert.equal(fileKindOf(bytes.subarray(0, head))?.message, fileKindOf(bytes)?.message);
    }
  }
});
