import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseAlphabet } from '../../../src/vocab/alphabet.js';
import { seedLattices, type Lattices } from '../../../src/vocab/lattice.js';
import { bestSegmentation, expectedCounts, learnUnigram } from '../../../src/vocab/learn-unigram.js';

const someWords = fc
  .array(
    fc.tuple(
      fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 7 }),
      fc.integer({ min: 1, max: 4 }),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((words) => new Map(words));

function alphabetOf(pieces: Map<string, number>): readonly string[] {
  return chooseAlphabet(pieces, { limit: Infinity, minimumFrequency: 1, always: '▁' }).characters;
}

function lattice(pieces: Map<string, number>): { lattices: Lattices; strings: string[] } {
  const alphabet = alphabetOf(pieces);
  const lattices = seedLattices(pieces, { alphabet, minimumCount: 2, maximumLength: 4, limit: 100 });
  const strings = lattices.pieces.map(({ start, length }, piece) =>
    piece < alphabet.length
      ? alphabet[piece]!
      : Array.from(lattices.text.subarray(start, start + length), (symbol) => alphabet[symbol]!).join(''),
  );
  return { lattices, strings };
}

/** All segmentations of a word into candidates. */
function segmentations(word: string, strings: readonly string[]): number[][] {
  if (word === '') return [[]];
  return strings.flatMap((piece, number) =>
    word.startsWith(piece) ? segmentations(word.slice(piece.length), strings).map((rest) => [number, ...rest]) : [],
  );
}

test('seeds are the frequent substrings with more than one continuation', () => {
  fc.assert(
    fc.property(someWords, (pieces) => {
      const { strings } = lattice(pieces);
      const counts = new Map<string, number>();
      for (const [word, count] of pieces) {
        for (let start = 0; start < word.length; start++) {
          for (let end = start + 1; end <= Math.min(word.length, start + 4); end++) {
            const part = word.slice(start, end);
            counts.set(part, (counts.get(part) ?? 0) + count);
          }
        }
      }
      const wanted = [...counts].filter(
        ([part, count]) =>
          part.length > 1 && count >= 2 && !['a', 'b', 'c'].some((next) => counts.get(part + next) === count),
      );
      assert.deepEqual(strings.filter((piece) => piece.length > 1).sort(), wanted.map(([part]) => part).sort());
    }),
  );
});

test('expected counts and Viterbi segmentations equal those of enumerating all segmentations', () => {
  fc.assert(
    fc.property(
      someWords,
      fc.array(fc.double({ min: -6, max: -0.1, noNaN: true }), { minLength: 60, maxLength: 60 }),
      (pieces, numbers) => {
        const { lattices, strings } = lattice(pieces);
        const scores = Float64Array.from(strings, (_, piece) => numbers[piece % numbers.length]!);
        const scoreOf = (segmentation: number[]): number =>
          segmentation.reduce((sum, piece) => sum + scores[piece]!, 0);
        const wanted = new Float64Array(strings.length);
        [...pieces].forEach(([word, count], index) => {
          const all = segmentations(word, strings);
          const total = all.reduce((sum, segmentation) => sum + Math.exp(scoreOf(segmentation)), 0);
          for (const segmentation of all)
            for (const piece of segmentation) wanted[piece]! += (count * Math.exp(scoreOf(segmentation))) / total;
          const best = bestSegmentation(lattices, scores, lattices.wordStart[index]!, lattices.wordStart[index + 1]!);
          assert.ok(Math.abs(scoreOf(best) - Math.max(...all.map(scoreOf))) < 1e-9);
        });
        expectedCounts(lattices, scores).forEach((count, piece) =>
          assert.ok(Math.abs(count - wanted[piece]!) < 1e-9, strings[piece]),
        );
      },
    ),
  );
});

test('recurring parts of words are learned as tokens', () => {
  const stems = ['walk', 'play', 'wait', 'jump'];
  const endings = ['ing', 'ed', 'er', ''];
  // Each word occurs once; only its parts recur.
  const pieces = new Map(stems.flatMap((stem) => endings.map((ending) => [`▁${stem}${ending}`, 1] as const)));
  const alphabet = alphabetOf(pieces);
  const tokens = learnUnigram(pieces, { alphabet, size: alphabet.length + 7, minimumFrequency: 1 });
  assert.equal(tokens.length, alphabet.length + 7);
  const words = tokens.map(([token]) => token);
  for (const stem of stems) assert.ok(words.includes(`▁${stem}`), words.join(' '));
  assert.ok(words.includes('ing'), words.join(' '));
  const mass = tokens.reduce((sum, [, score]) => sum + Math.exp(score), 0);
  assert.ok(mass > 0.5 && mass <= 1.001, String(mass));
});
