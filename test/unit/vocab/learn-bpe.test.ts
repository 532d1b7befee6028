import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { BPE, metaspacePreTokenizer, Tokenizer } from 'tokenizers';
import { chooseAlphabet } from '../../../src/vocab/alphabet.js';
import { learnBpe } from '../../../src/vocab/learn-bpe.js';

const folder = mkdtempSync(join(tmpdir(), 's2s-bpe-'));
after(() => rmSync(folder, { recursive: true }));

function learn(pieces: Map<string, number>, size: number, minimumFrequency = 1, maximumLength?: number) {
  const { characters } = chooseAlphabet(pieces, { limit: Infinity, minimumFrequency: 1, always: '▁' });
  return learnBpe(pieces, { alphabet: characters, size, minimumFrequency, ...(maximumLength && { maximumLength }) });
}

test('the merges of the example of Sennrich et al. 2016 are learned', () => {
  const { merges } = learn(
    new Map([
      ['low', 5],
      ['lower', 2],
      ['newest', 6],
      ['widest', 3],
    ]),
    100,
    4,
  );
  assert.deepEqual(merges.slice(0, 4), [
    ['e', 's'],
    ['es', 't'],
    ['l', 'o'],
    ['lo', 'w'],
  ]);
});

test('merges equal those of the Hugging Face trainer, including ties', () => {
  const text = readFileSync('test/golden/tokenizers/text.txt', 'utf8');
  const file = join(folder, 'text.txt');
  writeFileSync(file, text);
  const library = new Tokenizer(BPE.empty());
  library.setPreTokenizer(metaspacePreTokenizer('▁', 'always', true));
  library.train([file]);
  const saved = join(folder, 'tokenizer.json');
  library.save(saved);
  const { model } = JSON.parse(readFileSync(saved, 'utf8')) as { model: { merges: [string, string][] } };

  const pieces = new Map<string, number>();
  // The library includes the LF in a line.
  for (const line of text.split(/(?<=\n)/)) {
    for (const word of line.split(' ')) pieces.set(`▁${word}`, (pieces.get(`▁${word}`) ?? 0) + 1);
  }
  const { merges } = learn(pieces, 30_000, 1, Infinity);
  assert.ok(merges.length > 500);
  assert.deepEqual(merges, model.merges);
});

test('merges equal those of a reference implementation that recounts all pairs', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 9 }),
          fc.integer({ min: 1, max: 5 }),
        ),
        { minLength: 1, maxLength: 8 },
      ),
      (words) => {
        const pieces = new Map(words);
        const { tokens, merges } = learn(pieces, 30, 2);
        assert.deepEqual(merges, recount(pieces, 30, 2));
        assert.ok(tokens.length <= 30);
      },
    ),
  );
});

/** Reference implementation of byte-pair encoding. */
function recount(pieces: Map<string, number>, size: number, minimumFrequency: number): [string, string][] {
  let words = [...pieces].map(([piece, count]) => ({ symbols: [...piece], count }));
  const tokens = [...new Set(['▁', ...words.flatMap(({ symbols }) => symbols)])].sort(
    (a, b) => a.codePointAt(0)! - b.codePointAt(0)!,
  );
  const merges: [string, string][] = [];
  while (tokens.length < size) {
    const counts = new Map<string, { pair: [string, string]; count: number }>();
    for (const { symbols, count } of words) {
      for (let i = 1; i < symbols.length; i++) {
        const pair: [string, string] = [symbols[i - 1]!, symbols[i]!];
        const entry = counts.get(pair.join(' ')) ?? { pair, count: 0 };
        entry.count += count;
        counts.set(pair.join(' '), entry);
      }
    }
    const [best] = [...counts.values()].sort(
      (a, b) =>
        b.count - a.count ||
        tokens.indexOf(a.pair[0]) - tokens.indexOf(b.pair[0]) ||
        tokens.indexOf(a.pair[1]) - tokens.indexOf(b.pair[1]),
    );
    if (best === undefined || best.count < minimumFrequency) break;
    const [left, right] = best.pair;
    merges.push(best.pair);
    if (!tokens.includes(left + right)) tokens.push(left + right);
    words = words.map(({ symbols, count }) => {
      const merged: string[] = [];
      for (let i = 0; i < symbols.length; i++) {
        if (symbols[i] === left && symbols[i + 1] === right) merged.push(left + symbols[++i]!);
        else merged.push(symbols[i]!);
      }
      return { symbols: merged, count };
    });
  }
  return merges;
}

test('no token is longer than 16 characters, however often a longer one occurs', () => {
  const longest = (pieces: Map<string, number>): number =>
    Math.max(...learn(pieces, 500).tokens.map((token) => [...token].length));
  assert.equal(longest(new Map([['▁' + 'x'.repeat(100_000), 1]])), 16);
  assert.equal(longest(new Map([['▁' + '𝔘𝔫'.repeat(40), 9]])), 16);
  assert.equal(longest(new Map([['▁abcdefghijklmno', 9]])), 16);
  assert.ok(longest(new Map([['▁abcdefghijklmnop', 9]])) <= 16);
});
