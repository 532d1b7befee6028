import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { corpusTexts, readPairs } from '../../../src/data/corpus.js';
import { OddCharacters } from '../../../src/data/odd-characters.js';
import { S2sError } from '../../../src/errors.js';
import { allPairs, messageOf, temporaryFolder } from './fixtures.js';

const { folder, write } = temporaryFolder();

/** A corpus of a single file. */
const one = (name: string, content: string | Uint8Array, settings: object = {}) => [
  { file: write(name, content), ...settings },
];
const texts = async (corpora: Parameters<typeof allPairs>[0]) =>
  (await allPairs(corpora)).map(({ source, target, line }) => [line, source, target]);
const aligned = (source: string | Uint8Array, target: string | Uint8Array) => [
  { source: write('a.de', source), target: write('a.en', target) },
];

test('aligned files are read as pairs with their lines, corpus by corpus', async () => {
  const corpora = [
    { source: write('1.de', 'eins\nzwei\n'), target: write('1.en', 'one\ntwo') },
    { source: write('2.de', 'drei\n'), target: write('2.en', 'three\n') },
  ];
  assert.deepEqual(
    (await allPairs(corpora)).map(({ source, target, line, corpus }) => [source, target, line, corpus]),
    [
      ['eins', 'one', 1, 0],
      ['zwei', 'two', 2, 0],
      ['drei', 'three', 1, 1],
    ],
  );
  assert.deepEqual(await corpusTexts(readPairs(corpora)), {
    sources: ['eins', 'zwei', 'drei'],
    targets: ['one', 'two', 'three'],
  });
});

test('gzip is detected by content, and blank lines are kept', async () => {
  assert.deepEqual(await texts(aligned(gzipSync('a\n\nc\n'), 'x\ny\nz\n')), [
    [1, 'a', 'x'],
    [2, '', 'y'],
    [3, 'c', 'z'],
  ]);
});

test('aligned files with different line counts are an error that states both counts', async () => {
  assert.equal(
    await messageOf(() => texts(aligned('a\nb\nc\n', 'x\n')), folder),
    'a.de:2: no matching line in a.en: it has 1 line, this file 3 lines',
  );
  assert.equal(
    await messageOf(() => texts(aligned('a\n', 'x\ny\n')), folder),
    'a.en:2: no matching line in a.de: it has 1 line, this file 2 lines',
  );
  assert.equal(
    await messageOf(() => texts(aligned('', 'x\n')), folder),
    'a.en:1: no matching line in a.de: it has 0 lines, this file 1 line',
  );
  const long = 'a long line of text, repeated\n'.repeat(30_000);
  assert.equal(
    await messageOf(() => texts(aligned(long, long + 'x\n')), folder),
    'a.en:30001: no matching line in a.de: it has 30,000 lines, this file 30,001 lines',
  );
});

test('invalid UTF-8, a missing file and a corrupted gzip file are errors with file and line', async () => {
  assert.equal(
    await messageOf(() => texts(aligned('a\n', Buffer.from([0x61, 0xff, 0x0a]))), folder),
    'a.en:1: the line is not valid UTF-8',
  );
  assert.equal(
    await messageOf(() => texts(one('b.tsv', Buffer.from('a\tb\nc\t\xe4\n', 'latin1'))), folder),
    'b.tsv:2: the line is not valid UTF-8',
  );
  assert.equal(
    await messageOf(() => texts([{ source: `${folder}/none`, target: write('a.en', 'x') }]), folder),
    'none: there is no such file',
  );
  assert.match(
    await messageOf(() => texts(aligned(gzipSync('a\n'.repeat(1000)).subarray(0, 30), 'x\n')), folder),
    /^a\.de: the gzip file is corrupted or truncated/,
  );
});

test('only LF ends a line; odd characters are kept and counted, with the first location', async () => {
  const odd = new OddCharacters();
  const pairs = await allPairs(
    aligned('one\u2028two\r\nthree\u0000\rfour\r\nfive\u0085\ufffd\n', 'x\u000c\ny\nz\ufeff\n'),
    odd,
  );
  assert.deepEqual(
    pairs.map(({ source }) => source),
    ['one\u2028two', 'three\u0000\rfour', 'five\u0085\ufffd'],
  );
  assert.deepEqual(
    Object.fromEntries(odd.counts.map(({ kind, lines, side, line }) => [kind, `${lines} ${side}:${line}`])),
    {
      crlf: '2 source:1',
      lineSeparator: '2 source:1',
      control: '1 target:1',
      carriageReturn: '1 source:2',
      nul: '1 source:2',
      replacement: '1 source:3',
      byteOrderMark: '1 target:3',
    },
  );
});

test('columns are selected by number or by name', async () => {
  assert.deepEqual(await texts(one('a.tsv', 'a\tb\tc\n"d\te"\tf\n', { sourceColumn: 3, targetColumn: 1 })), [
    [1, 'c', 'a'],
    [2, 'f', '"d'],
  ]);
  assert.deepEqual(await texts(one('a.csv', 'id,de,en\n1,a,b\n', { sourceColumn: 'de', targetColumn: 'en' })), [
    [2, 'a', 'b'],
  ]);
  assert.deepEqual(await texts(one('a.csv', 'de,en\na,b\n', { header: true })), [[2, 'a', 'b']]);
  assert.deepEqual(await texts(one('a.txt', "x;'y;''z'\n", { format: 'csv', delimiter: ';', quote: "'" })), [
    [1, 'x', "y;'z"],
  ]);
  assert.deepEqual(await texts(one('a.csv.gz', gzipSync('a,b\n'))), [[1, 'a', 'b']]);
});

test('a quoted field may contain delimiters, quotes and line breaks; line numbers remain correct', async () => {
  const odd = new OddCharacters();
  const corpora = one('q.csv', 'de,en\r\n"a\r\nb","say ""c"", d"\r\n\r\ne,f\r\n', { header: true });
  assert.deepEqual(
    (await allPairs(corpora, odd)).map(({ source, target, line }) => [line, source, target]),
    [
      [2, 'a b', 'say "c", d'],
      [5, 'e', 'f'],
    ],
  );
  assert.deepEqual(
    odd.counts.map(({ kind, lines, line }) => [kind, lines, line]),
    [
      ['crlf', 5, 1],
      ['lineBreak', 1, 2],
      ['blankRow', 1, 4],
    ],
  );
});

test('errors in a table name the line where the row starts', async () => {
  const error = (content: string, settings: object = {}) =>
    messageOf(() => texts(one('t.csv', content, settings)), folder);
  assert.equal(
    await error('de,en\na,b\n', { sourceColumn: 'fr' }),
    't.csv:1: the file has no column "fr"; its columns are "de", "en"',
  );
  assert.equal(
    await error('a,b\n', { sourceColumn: 'fr', header: false }),
    't.csv:1: the file has no column "fr"; columns have no names, since `header` is false',
  );
  assert.equal(await error('a,b\n"c\nd",e\nf\n'), 't.csv:4: the row has no column 2; it has 1 column');
  assert.equal(await error('a,b\n', { targetColumn: 4 }), 't.csv:1: the row has no column 4; it has 2 columns');
  assert.equal(await error('a,b\nc,"d\ne,f\n'), 't.csv:2: a quote (") opened in this row is never closed');
  assert.equal(
    await error('a,b\n"' + 'c,d\n'.repeat(500_000)),
    't.csv:2: a quote (") opened in this row is never closed',
  );
  assert.match(await error('a,b\nc "d" e,f\n'), /^t\.csv:2: the row cannot be parsed: Invalid Opening Quote/);
  assert.equal(await error('', { header: true }), 't.csv:1: the file is empty: the header row is missing');
  assert.equal(
    await messageOf(() => texts(one('t.dat', '')), folder),
    't.dat: cannot tell the format from the file name',
  );
  assert.match(await messageOf(() => texts([{ source: 'x' }])), /`target` is missing/);
});

test('JSON Lines may be objects, nested objects or arrays', async () => {
  assert.deepEqual(await texts(one('a.jsonl', '{"source":"a\\nb","target":"c"}\n\n{"target":"e","source":"d"}')), [
    [1, 'a b', 'c'],
    [3, 'd', 'e'],
  ]);
  const settings = { sourceColumn: 'translation.de', targetColumn: 'translation.en' };
  assert.deepEqual(await texts(one('a.ndjson', '{"translation":{"de":"a","en":"b"}}\n', settings)), [[1, 'a', 'b']]);
  assert.deepEqual(await texts(one('a.jsonl', '["a","b"]\n', { sourceColumn: 1, targetColumn: 2 })), [[1, 'a', 'b']]);
});

test('errors in JSON Lines name the line', async () => {
  const error = (content: string) => messageOf(() => texts(one('j.jsonl', content)), folder);
  assert.match(await error('{"source":"a","target":"b"}\n{"source":\n'), /^j\.jsonl:2: the line is not valid JSON: /);
  assert.equal(
    await error('{"source":"a","en":"b"}\n'),
    'j.jsonl:1: the line has no "target"; its keys are source, en',
  );
  assert.equal(await error('{"source":"a","target":7}\n'), 'j.jsonl:1: "target" must be a string, not a number');
  assert.equal(await error('3\n'), 'j.jsonl:1: expected a JSON object or array, found a number');
  assert.equal(await error('["a"]\n'), 'j.jsonl:1: the line has no "source"; it is an array of 1 entry');
  assert.equal(await error('{"__proto__x":1}\n'), 'j.jsonl:1: the line has no "source"; its keys are __proto__x');
});

test('CSV fields with any content are read back unchanged', async () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'ü', ',', '"', '\t', ' ', '\u2028', '😀'), maxLength: 8 });
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(field, field), { maxLength: 20 }), async (rows) => {
      const content = rows.map((row) => row.map(quoted).join(',') + '\n').join('');
      assert.deepEqual(
        await texts(one('f.csv', content)),
        rows.map(([a, b], i) => [i + 1, a, b]),
      );
    }),
    { numRuns: 40 },
  );
});

test('arbitrary bytes are read as pairs or raise an S2sError with a file', async () => {
  const bytes = fc.array(
    fc.constantFrom(...Buffer.from('ab,"\t\n\r{}[]:\\'), 0x00, 0xff, 0xe2, 0x80, 0xa8, 0x1f, 0x8b),
    { maxLength: 60 },
  );
  for (const format of ['csv', 'tsv', 'jsonl'] as const) {
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (content, header) => {
        const corpora = one('fuzz', Uint8Array.from(content), { format, header });
        try {
          for await (const block of readPairs(corpora))
            for (const pair of block) assert.ok(!/\n/.test(pair.source + pair.target));
        } catch (error) {
          assert.ok(error instanceof S2sError && error.place?.file !== undefined, String(error));
        }
      }),
      { numRuns: 150 },
    );
  }
});
