import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CorpusConfig } from '../../../src/config/schema.js';
import { betterDelimiter, ColumnCounts } from '../../../src/data/column-counts.js';
import { loadEncodedCorpus } from '../../../src/data/encode.js';
import { fakeTokenizers, temporaryFolder } from './fixtures.js';

const { folder, write } = temporaryFolder();

async function warnings(corpus: CorpusConfig, cacheDirectory?: string): Promise<string[]> {
  const { summary } = await loadEncodedCorpus({ corpora: [corpus], tokenizers: fakeTokenizers(), cacheDirectory });
  return summary.shiftedRows.map(({ file, line, message }) => `${file.slice(folder.length + 1)}:${line}: ${message}`);
}

test('rows whose columns are shifted by a tab in a sentence are named, also from the cache', async () => {
  const file = write('train.tsv', 'a\tb\n'.repeat(5) + 'a\tx\tb\n' + 'a\tb\n'.repeat(5));
  const expected = [
    'train.tsv:6: 3 columns where most rows have 2: in 1 row, of which this is the first (a tab inside a sentence?)',
  ];
  assert.deepEqual(await warnings({ file }, join(folder, 'cache')), expected);
  assert.deepEqual(await warnings({ file }, join(folder, 'cache')), expected);
});

test('a table with equally many columns in all rows is quiet, whatever their number', async () => {
  assert.deepEqual(await warnings({ file: write('three.tsv', 'a\tb\tCC-BY\n'.repeat(4)) }), []);
  assert.deepEqual(await warnings({ file: write('header.tsv', 'de\ten\n\na\tb\n'), header: true }), []);
  assert.deepEqual(await warnings({ file: write('quoted.csv', '"a, b",c\nd,e\n') }), []);
});

test('fewer columns than usual and commas in a CSV are told apart', async () => {
  assert.deepEqual(await warnings({ file: write('few.tsv', 'a\tb\tc\na\tb\tc\na\tb\n') }), [
    'few.tsv:3: 2 columns where most rows have 3: in 1 row, of which this is the first (a tab missing?)',
  ]);
  assert.deepEqual(await warnings({ file: write('comma.csv', 'a,b\na,b\na,x,b\na,x,b\na,b\n') }), [
    'comma.csv:3: 3 columns where most rows have 2: in 2 rows, of which this is the first (a comma inside a sentence?)',
  ]);
});

test('another delimiter that fits is named, in the warning and in errors', async () => {
  const [warning] = await warnings({ file: write('semi.csv', 'yes, a;b\nno, c, d;e\nyes, f;g\n') });
  assert.match(warning ?? '', /\(delimiter: ";"\?\)$/);
  const texts: [string, string, object][] = [
    ['en;fr\n"a";"b"\n', ';', { header: true }],
    ['en;fr\na;b\n', ';', { sourceColumn: 'en', targetColumn: 'fr' }],
    ['a\tb\nc\td\n', '\\t', {}],
    ['a|b\nc|d\n', '|', {}],
  ];
  for (const [text, delimiter, settings] of texts) {
    await assert.rejects(warnings({ file: write('other.csv', text), ...settings }), (error: { hint: string }) =>
      error.hint.endsWith(`delimiter: "${delimiter}"`),
    );
  }
  await assert.rejects(
    warnings({ file: write('one.csv', 'a\nb\n') }),
    (error: { hint: string }) => !error.hint.includes('another delimiter'),
  );
});

test('a delimiter that fits is not doubted', () => {
  assert.equal(betterDelimiter(['a;x,b;y', 'c;x,d;y'], ',', '"'), undefined);
  assert.equal(betterDelimiter(['"a;b",c', 'd,e'], ',', '"'), undefined);
  assert.equal(betterDelimiter([], ',', '"'), undefined);
});

test('counting needs bounded memory', () => {
  const counts = new ColumnCounts();
  for (let columns = 1; columns <= 100_000; columns++) counts.add(columns, columns);
  assert.deepEqual(counts.shifted, { line: 1, columns: 1, usual: 256, rows: 255 });
});
