import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identifyLanguage } from '../../../src/init/identify-language.js';

test('languages are identified from many short lines', async () => {
  const repeated = (lines: readonly string[]): string[] => Array.from({ length: 40 }, () => lines).flat();
  for (const [language, lines] of [
    ['de', ['Datei öffnen', 'Der Hund schläft', 'Alles speichern unter']],
    ['fr', ['Ouvrir le fichier', 'Le chien dort', 'Tout enregistrer sous']],
    ['ja', ['ファイルを開く', '犬が寝ている']],
    ['zh', ['打开文件', '这只狗在睡觉']],
    ['ar', ['افتح الملف', 'الكلب نائم']],
  ] as const) {
    assert.equal(await identifyLanguage(repeated(lines)), language);
  }
});

test('little or no text is not identified', async () => {
  assert.equal(await identifyLanguage([]), undefined);
  assert.equal(await identifyLanguage(['OK', 'no']), undefined);
  assert.equal(await identifyLanguage(Array.from({ length: 200 }, (_, index) => `${index}`)), undefined);
});
