/*
 * Writes the demo corpus next to this file's source: demo.{train,dev,test}.{en,fr}. Run by `npm run corpus` in the
 * project's root; the same sources always write the same bytes.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from './grammar/generate.js';
import type { Pair } from './grammar/sentence.js';

const folder = process.argv[2] ?? 'corpora';

for (const [split, pairs] of Object.entries<readonly Pair[]>({ ...generate() })) {
  writeFileSync(join(folder, `demo.${split}.en`), pairs.map((pair) => `${pair.source}\n`).join(''));
  writeFileSync(join(folder, `demo.${split}.fr`), pairs.map((pair) => `${pair.target}\n`).join(''));
}
