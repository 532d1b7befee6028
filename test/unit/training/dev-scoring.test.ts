import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../../../src/config/schema.js';
import { chooseDevScoring } from '../../../src/training/dev-scoring.js';

const training = (settings: object) => configSchema.shape.training.parse(settings);
const same = { normalize: (text: string) => text };
const english = ['The cat sat on the mat.', 'Nobody saw the dog run.'];
const chinese = ['她经常听到一个苹果。', '我经常买了一只猫。'];

test('the tokenizer of BLEU follows the script, and can be set', () => {
  const usual = chooseDevScoring(english, same, training({}));
  assert.deepEqual([usual.metric, usual.bleuTokenizer, usual.notes, usual.warnings], ['bleu', '13a', [], []]);
  const automatic = chooseDevScoring(chinese, same, training({}));
  assert.deepEqual([automatic.metric, automatic.bleuTokenizer, automatic.notes.length], ['bleu', 'zh', 1]);
  const set = chooseDevScoring(chinese, same, training({ validation: { bleuTokenizer: 'char' } }));
  assert.deepEqual([set.bleuTokenizer, set.notes], ['char', []]);
});

test('chrF replaces BLEU where no reference is long enough, and only BLEU', () => {
  const words = ['cat', 'dog', 'the house'];
  const scoring = chooseDevScoring(words, same, training({}));
  assert.equal(scoring.metric, 'chrf');
  assert.match(scoring.notes[0]!, /chrF selects the best checkpoint instead of BLEU/);
  assert.equal(chooseDevScoring(words, same, training({ earlyStopping: { metric: 'loss' } })).metric, 'loss');
  assert.equal(chooseDevScoring(words, same, training({ validation: { bleuTokenizer: 'char' } })).metric, 'bleu');
  assert.equal(chooseDevScoring([...words, 'The cat sat down.'], same, training({})).metric, 'bleu');
  const first = training({ validation: { maxSentences: 3 } });
  assert.equal(chooseDevScoring([...words, 'The cat sat down.'], same, first).metric, 'chrf', 'of the translated part');
});

test('references are normalised as the output, and the difference is reported', () => {
  const lower = { normalize: (text: string) => text.toLowerCase() };
  const { references, warnings } = chooseDevScoring(english, lower, training({}));
  assert.deepEqual(
    references,
    english.map((line) => line.toLowerCase()),
  );
  assert.match(warnings[0]!, /2 of 2 lines .* BLEU \d+\.\d\d .*--lowercase/);
});
