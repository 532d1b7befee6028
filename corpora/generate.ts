/*
 * Writes the demo corpus, demo.{train,dev,test}.{en,fr}, to a folder (default: corpora). Run with `npm run corpus` in
 * the project root. The output is deterministic.
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
