import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SETTINGS_PAGE, settingsPage } from '../../../scripts/docs.mjs';
import { keysAt } from '../../../src/config/keys.js';
import { configReference } from '../../../src/config/reference.js';

const tables = configReference();

test('the page of settings is current', () => {
  assert.ok(
    readFileSync(SETTINGS_PAGE, 'utf8') === settingsPage(),
    `${SETTINGS_PAGE} differs from the schema: run npm run docs`,
  );
});

/** Dotted keys of all settings below a path, with N for the items of lists. */
function keysBelow(path: readonly (string | number)[]): string[] {
  return keysAt(path).flatMap((name) => {
    const here = [...path, name];
    const inside = [...keysBelow(here), ...(keysAt([...here, 0]).length > 0 ? keysBelow([...here, 0]) : [])];
    return inside.length > 0 ? inside : [here.map((part) => (part === 0 ? 'N' : part)).join('.')];
  });
}

test('every setting has a row', () => {
  const keys = keysBelow([]);
  assert.ok(keys.length > 80, `${keys.length} settings`);
  for (const key of keys) {
    // Settings that several groups share stand in one table, under the paths of those groups.
    const shared = /^(data\.\w+\.N|data\.(?:dev|test)(?=\.holdOut)|tokenizer\.(?:source|target))\.(\w+)$/.exec(key);
    const row = `| \`${shared?.[2] ?? key}\` | `;
    assert.ok(tables.includes(row), key);
    if (shared !== null)
      assert.ok(
        tables.split('\n').some((line) => line.startsWith('### ') && line.includes(`\`${shared[1]}\``)),
        `title for ${shared[1]}`,
      );
  }
});

test('rows have values, range, default and description', () => {
  for (const row of [
    '| `seed` | integer from 0 to 2147483647 | `1` | ' +
      'Random seed: the same seed, configuration and machine give the same model. |',
    '| `data.train` | list | required | Training corpora. |',
    '| `tokenizer.type` | `char`, `word`, `bpe`, `unigram` | `bpe` | ' +
      'Token type: characters, words (Unicode word boundaries), byte-pair encoding or unigram subwords. |',
    '| `training.schedule.factor` | number above 0 below 1 | `0.5` | Decay factor (step, exponential, plateau). |',
    '| `training.maxSteps` | integer from 1 |  | Maximum number of updates. |',
    '| `delimiter` | character |  | Column delimiter; defaults to a tab for TSV and a comma for CSV. |',
    '| `sourceColumn` | string; integer from 1 |  | ' +
      'Column (name, or number from 1) or JSON key of the source side; defaults to 1 or `source`. |',
    '| `model.decoder.inputFeeding` | `true`, `false` | `false` | ' +
      'Whether the attentional hidden state is an input of the next step (Luong et al. 2015, section 3.3); slower. |',
  ]) {
    assert.ok(tables.split('\n').includes(row), row);
  }
  const cells = tables.split('\n').filter((line) => line.startsWith('| `'));
  for (const line of cells) assert.equal(line.split(/(?<!\\)\|/).length, 6, line);
});
