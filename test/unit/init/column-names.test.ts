import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meaningOfName } from '../../../src/init/column-names.js';

test('names of columns: sides, languages by code or name, text', () => {
  for (const [name, meaning] of [
    ['source', { side: 'source', language: undefined }],
    [' TGT ', { side: 'target', language: undefined }],
    ['de', { side: undefined, language: 'de' }],
    ['pt_BR', { side: undefined, language: 'pt' }],
    ['German', { side: undefined, language: 'de' }],
    ['français', { side: undefined, language: 'fr' }],
    ['sentence_en', { side: undefined, language: 'en' }],
    ['translation.de', { side: 'target', language: 'de' }],
    ['English text', { side: undefined, language: 'en' }],
    ['sentence1', { side: undefined, language: undefined }],
  ] as const) {
    assert.deepEqual(meaningOfName(name), meaning, name);
  }
});

test('sentences and other names say nothing', () => {
  for (const name of ['', 'it is', 'es ist so', 'the house', 'number', 'Der Hund schläft heute', 'url', '12'])
    assert.equal(meaningOfName(name), undefined, name);
});
