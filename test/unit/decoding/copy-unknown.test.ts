import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Span } from '../../../src/text/tokenizer.js';
import { UNK } from '../../../src/vocab/special.js';
import { copyUnknown } from '../../../src/decoding/copy-unknown.js';

const VOCABULARY = ['<pad>', '<unk>', '<s>', '</s>', '▁sees', '▁the', '▁a', '.'];
const target = {
  tokenOf: (id: number): string => VOCABULARY[id]!,
  detokenize: (tokens: readonly string[]): string =>
    tokens.join('').replace(/^▁/, '').replaceAll('▁', ' ').replaceAll('▂▄', '▁').replaceAll('▂▃', '▂'),
};

/** Spans of pieces as they come one after the other in the text. */
function spansOf(text: string, pieces: readonly string[]): Span[] {
  let at = 0;
  return pieces.map((piece) => {
    const start = text.indexOf(piece, at);
    at = start + piece.length;
    return [start, at];
  });
}

/** Attention that looks at one source token only, of so many and `</s>`. */
const at = (index: number, count: number): Float32Array =>
  Float32Array.from({ length: count + 1 }, (_, i) => (i === index ? 0.7 : 0.3 / count));

test('a word takes the place of <unk>, in its own spelling and without its punctuation', () => {
  const text = 'Zoë-Anne sieht McÖtzi, 🎉.';
  const spans = spansOf(text, ['Zoë-Anne', ' sieht', ' McÖtzi', ',', ' 🎉', '.']);
  const copy = (tokens: number[], ...looks: number[]): string =>
    copyUnknown({ tokens, attention: looks.map((look) => at(look, spans.length)) }, { text, spans }, target);
  assert.equal(copy([UNK, 4, UNK, 7], 0, 1, 2, 5), 'Zoë-Anne sees McÖtzi.');
  assert.equal(copy([4, UNK], 1, 4), 'sees🎉');
  // Padding comes after </s>, and neither is a word.
  assert.equal(
    copyUnknown(
      { tokens: [UNK], attention: [Float32Array.of(0.1, 0.2, 0.1, 0, 0, 0, 0.6, 0)] },
      { text, spans },
      target,
    ),
    'sieht',
  );
});

test('parts of a word stand for the whole, which comes once for several in a row', () => {
  const text = 'der Xylophonspieler da';
  const spans = spansOf(text, ['der', ' Xylo', 'phon', 'spieler', ' da']);
  const copy = (tokens: number[], ...looks: number[]): string =>
    copyUnknown({ tokens, attention: looks.map((look) => at(look, spans.length)) }, { text, spans }, target);
  assert.equal(copy([5, UNK, UNK, UNK, 7], 0, 1, 3, 2, 4), 'the Xylophonspieler.');
  assert.equal(copy([UNK, 6, UNK], 1, 0, 1), 'Xylophonspieler a Xylophonspieler');
});

test('marks of the text stay what they are, and other special symbols leave nothing', () => {
  const text = 'a▁b ▂';
  const spans = spansOf(text, ['a', '▁', 'b', ' ▂']);
  assert.equal(
    copyUnknown(
      { tokens: [UNK, 2, UNK, UNK], attention: [at(1, 4), at(0, 4), at(3, 4), at(2, 4)] },
      { text, spans },
      target,
    ),
    '▁▂ b',
  );
});
