import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cachedCounts, countCorpus } from '../../../src/data/facts.js';

const folder = mkdtempSync(join(tmpdir(), 's2s-facts-'));
after(() => rmSync(folder, { recursive: true }));

function table(name: string, rows: readonly (readonly [string, string])[]): string {
  const file = join(folder, name);
  writeFileSync(file, rows.map((row) => `${row.join('\t')}\n`).join(''));
  return file;
}

test('words, characters and distinct characters of each side are counted, without blank pairs', async () => {
  const file = table('a.tsv', [
    ['two words', '两个词'],
    ['', 'blank'],
    ['one', ' '],
    [' a  b ', '𠀀 c'],
  ]);
  const { pairs, epochPairs, source, target, alphabet } = await countCorpus([{ file }]);
  assert.deepEqual([pairs, epochPairs], [2, 2]);
  assert.deepEqual([source.words, source.characters, source.unspaced], [4, 10, 0]);
  // A character outside the basic plane is one character.
  assert.deepEqual([target.words, target.characters, target.unspaced], [3, 5, 4]);
  assert.deepEqual([source.alphabet, target.alphabet, alphabet], [8, 5, 13]);
  assert.deepEqual([source.longWords, source.longCharacters], [2, 8]);
});

test('distinct words are estimated', async () => {
  const rows = Array.from({ length: 30_000 }, (_, row) => [`w${row % 10_000} x`, 'y y'] as const);
  const { source, target } = await countCorpus([{ file: table('f.tsv', rows) }]);
  assert.ok(Math.abs(source.distinctWords - 10_001) < 100, String(source.distinctWords));
  assert.equal(target.distinctWords, 1);
});

test('an epoch has as many pairs as the weights say', async () => {
  const file = table('b.tsv', [
    ['a', 'b'],
    ['c', 'd'],
  ]);
  const other = table('c.tsv', [['e', 'f']]);
  const facts = await countCorpus([
    { file, weight: 0.5 },
    { file: other, weight: 3 },
  ]);
  assert.deepEqual([facts.pairs, facts.epochPairs], [3, 4]);
});

test('very rare characters and very long sentences do not count', async () => {
  const rows = Array.from({ length: 3000 }, () => ['abcdefgh', 'x'] as const);
  const file = table('d.tsv', [...rows, ['é', 'x'], ['long '.repeat(5000).trim(), 'x']]);
  const { source } = await countCorpus([{ file }]);
  assert.deepEqual([source.longWords, source.longCharacters], [1, 8]);
  // All but é: it is one of 44,001 characters.
  assert.equal(source.alphabet, 11);
});

test('counts are cached by content, and a damaged cache is counted again', async () => {
  const file = table('e.tsv', [['a', 'b']]);
  const cache = join(folder, 'cache');
  const first = await cachedCounts([{ file }], cache, 'key');
  table('e.tsv', [['a a', 'b']]);
  assert.deepEqual(await cachedCounts([{ file }], cache, 'key'), first);
  assert.equal((await cachedCounts([{ file }], cache, 'other')).source.words, 2);
  for (const name of readdirSync(cache)) writeFileSync(join(cache, name), '{}');
  assert.equal((await cachedCounts([{ file }], cache, 'key')).source.words, 2);
});
