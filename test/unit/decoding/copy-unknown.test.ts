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

/** Spans of consecutive pieces of a text. */
function spansOf(text: string, pieces: readonly string[]): Span[] {
  let at = 0;
  return pieces.map((piece) => {
    const start = text.indexOf(piece, at);
    at = start + piece.length;
    return [start, at];
  });
}

/** Attention weights over `count` source tokens and `</s>`, with the maximum at `index`. */
const at = (index: number, count: number): Float32Array =>
  Float32Array.from({ length: count + 1 }, (_, i) => (i === index ? 0.7 : 0.3 / count));

test('<unk> is replaced by a source word in its original spelling, without punctuation', () => {
  const text = 'Zoë-Anne sieht McÖtzi, 🎉.';
  const spans = spansOf(text, ['Zoë-Anne', ' sieht', ' McÖtzi', ',', ' 🎉', '.']);
  const copy = (tokens: number[], ...aligned: number[]): string =>
    copyUnknown({ tokens, attention: aligned.map((index) => at(index, spans.length)) }, { text, spans }, target);
  assert.equal(copy([UNK, 4, UNK, 7], 0, 1, 2, 5), 'Zoë-Anne sees McÖtzi.');
  assert.equal(copy([4, UNK], 1, 4), 'sees🎉');
  // Neither </s> nor the padding after it is a word.
  assert.equal(
    copyUnknown(
      { tokens: [UNK], attention: [Float32Array.of(0.1, 0.2, 0.1, 0, 0, 0, 0.6, 0)] },
      { text, spans },
      target,
    ),
    'sieht',
  );
});

test('subwords are aligned to the whole word, which is copied once for consecutive <unk>', () => {
  const text = 'der Xylophonspieler da';
  const spans = spansOf(text, ['der', ' Xylo', 'phon', 'spieler', ' da']);
  const copy = (tokens: number[], ...aligned: number[]): string =>
    copyUnknown({ tokens, attention: aligned.map((index) => at(index, spans.length)) }, { text, spans }, target);
  assert.equal(copy([5, UNK, UNK, UNK, 7], 0, 1, 3, 2, 4), 'the Xylophonspieler.');
  assert.equal(copy([UNK, 6, UNK], 1, 0, 1), 'Xylophonspieler a Xylophonspieler');
});

test('escaped marks are copied unchanged, and other special symbols are dropped', () => {
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
