import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { withReference } from '../../../scripts/docs.mjs';
import { keysAt } from '../../../src/config/keys.js';
import { configReference } from '../../../src/config/reference.js';

const tables = configReference();

test('the reference in the README is current', () => {
  const readme = readFileSync('README.md', 'utf8');
  assert.ok(withReference(readme) === readme, 'README.md does not show the settings as they are: run npm run docs');
});

test('a README without its marks is refused', () => {
  assert.throws(() => withReference('# s2s\n'), /lacks the line <!-- settings/);
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
    const shared = /^(data\.\w+\.N|tokenizer\.(?:source|target))\.(\w+)$/.exec(key);
    const row = `| \`${shared?.[2] ?? key}\` | `;
    assert.ok(tables.includes(row), key);
    if (shared !== null)
      assert.ok(
        tables.split('\n').some((line) => line.startsWith('### ') && line.includes(`\`${shared[1]}\``)),
        `title for ${shared[1]}`,
      );
  }
});

test('rows tell values, range, default and meaning', () => {
  for (const row of [
    '| `seed` | whole number from 0 to 2147483647 | `1` | Seed of all randomness: the same seed, config and machine give the same model. |',
    '| `data.train` | list | required | Corpora to train on. |',
    '| `tokenizer.type` | `char`, `word`, `bpe`, `unigram` | `bpe` | Kind of tokens: characters, words (Unicode word boundaries), byte-pair or unigram subwords. |',
    '| `training.schedule.factor` | number above 0 below 1 | `0.5` | Factor of one decay (step, exponential, plateau). |',
    '| `training.maxSteps` | whole number from 1 |  | Stop after this many updates. |',
    '| `delimiter` | character |  | Character between columns; a tab for TSV, a comma for CSV. |',
    '| `sourceColumn` | text; whole number from 1 |  | Column (name, or number from 1) or JSON key of the source side; 1 or `source` when not given. |',
    '| `model.decoder.inputFeeding` | `true`, `false` | `false` | Whether the attentional hidden state is an input of the next step (Luong et al. 2015, section 3.3); slower. |',
  ]) {
    assert.ok(tables.split('\n').includes(row), row);
  }
  const cells = tables.split('\n').filter((line) => line.startsWith('| `'));
  for (const line of cells) assert.equal(line.split(/(?<!\\)\|/).length, 6, line);
});
