import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bleuWarnings,
  describeNormalizationCost,
  normalizationCost,
  tooShortForBleu,
} from '../../../src/metrics/reference-warnings.js';

const chinese = ['她经常听到一个苹果。', '我经常买了一只猫。'];
const french = ['Le café était fermé.', 'Nous étions à l’école.', 'Zoé a dîné là-bas.'];

test('text without spaces and text of short lines cannot be scored', () => {
  assert.match(bleuWarnings('a.zh', chinese)[0]!, /^a\.zh is Chinese, .*--bleu-tokenizer zh, or --bleu-tokenizer char/);
  assert.match(bleuWarnings('a.th', ['สวัสดีชาวโลก'])[0]!, /Use --bleu-tokenizer char\.$/);
  for (const tokenizer of ['zh', 'char'] as const) assert.deepEqual(bleuWarnings('a.zh', chinese, { tokenizer }), []);
  assert.deepEqual(bleuWarnings('a.fr', french), []);
  assert.match(bleuWarnings('a.en', ['cat', 'the dog', ''])[0]!, /^no line of a\.en has 4 tokens: /);
  assert.deepEqual(bleuWarnings('a.en', ['cat', 'the dog'], { maxOrder: 2 }), []);
  assert.equal(tooShortForBleu(['a b c', 'a b c d']), false);
  assert.equal(tooShortForBleu(['a b c', 'b c d']), true);
});

test('the cost of normalisation, and what it changes', () => {
  const decomposed = french.map((line) => line.normalize('NFD'));
  const lower = french.map((line) => line.toLowerCase());
  assert.equal(normalizationCost(french, french), undefined);
  const characters = normalizationCost(decomposed, french)!;
  assert.deepEqual([characters.lines, characters.changes], [3, ['characters']]);
  assert.ok(characters.bleu < 50, String(characters.bleu));
  assert.match(
    describeNormalizationCost(characters, 3),
    /^3 of 3 lines .* BLEU \d+\.\d\d .*tokenizer\.normalization to none/,
  );
  const letters = normalizationCost(french, lower)!;
  assert.deepEqual(letters.changes, ['case']);
  assert.match(describeNormalizationCost(letters, 3), /--lowercase/);
  assert.deepEqual(normalizationCost(decomposed, lower)!.changes, ['case', 'characters']);
  const words = french.flatMap((line) => line.split(' '));
  assert.ok(
    normalizationCost(
      words.map((word) => word.normalize('NFD')),
      words,
    )!.bleu > 0,
    'lines of one word',
  );
});
