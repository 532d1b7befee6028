import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLEU_TOKENIZERS } from '../../../src/metrics/tokenizers.js';
import { detectWriting } from '../../../src/metrics/writing.js';
import { configSchema } from '../../../src/config/schema.js';

test('the script of a text decides how BLEU counts its words', () => {
  const cases: [string, string | undefined, string][] = [
    ['The price is 1,000.50 dollars.', undefined, '13a'],
    ['오늘은 날씨가 좋습니다.', undefined, '13a'],
    ['الطقس جميل اليوم', undefined, '13a'],
    ['', undefined, '13a'],
    ['12345 67890', undefined, '13a'],
    ['今天天气很好，我们去公园散步吧。', 'Chinese', 'zh'],
    ['在 Writer 中打开文件(~F)', 'Chinese', 'zh'],
    ['これはペンです。漢字も使う。', 'Japanese', 'char'],
    ['コンピューター', 'Japanese', 'char'],
    ['สวัสดีชาวโลก', 'Thai', 'char'],
    ['ສະບາຍດີ', 'Lao', 'char'],
    ['សួស្តី​ពិភពលោក', 'Khmer', 'char'],
    ['မင်္ဂလာပါ', 'Burmese', 'char'],
  ];
  for (const [line, unspaced, bleuTokenizer] of cases)
    assert.deepEqual(detectWriting([line]), { unspaced, bleuTokenizer }, line);
});

test('the script of most of the text counts, not that of a quotation', () => {
  const english = [
    'The word 猫 means cat in Chinese.',
    'He wrote สวัสดี on the wall, and nobody in the room could read it.',
  ];
  assert.equal(detectWriting(english).bleuTokenizer, '13a');
  const chinese = ['日本人写作の的时候，用的是假名，不是汉字。', '请打开文件。'];
  assert.deepEqual(detectWriting(chinese), { unspaced: 'Chinese', bleuTokenizer: 'zh' });
});

test('every tokenizer of BLEU can be set for validations', () => {
  for (const bleuTokenizer of ['auto', ...BLEU_TOKENIZERS] as const)
    assert.equal(
      configSchema.shape.training.parse({ validation: { bleuTokenizer } }).validation.bleuTokenizer,
      bleuTokenizer,
    );
});
