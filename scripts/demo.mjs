#!/usr/bin/env node
// npm run demo: trains a model on the corpus in corpora/ in a few minutes, scores it on the test set, and translates a
// few lines. Resumes an earlier run in runs/demo; remove that folder to start over.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';
import { runNode } from './step.mjs';

const CONFIG = join('configs', 'demo.yaml');
const RUN = join('runs', 'demo');
const S2S = join('bin', 's2s.js');
/** Sentences of the test set. */
const LINES = readFileSync(join(PACKAGE_ROOT, 'corpora', 'demo.test.en'), 'utf8')
  .split('\n')
  .slice(0, 5);

const say = (/** @type {string} */ text) => process.stderr.write(`${text}\n`);
const started = Date.now();
const minutes = () => `${((Date.now() - started) / 60_000).toFixed(1)} min`;

await runNode(['scripts/setup.mjs']);
say(`\n[${minutes()}] s2s train --config ${CONFIG}`);
const resumed = existsSync(join(PACKAGE_ROOT, RUN, 'checkpoints', 'index.json'));
await runNode([S2S, 'train', '--config', CONFIG, ...(resumed ? ['--resume'] : [])]);
say(`\n[${minutes()}] s2s eval --config ${CONFIG} --split test`);
await runNode([S2S, 'eval', '--config', CONFIG, '--split', 'test']);
say(`\n[${minutes()}] s2s translate --model ${RUN}, with these lines on stdin:`);
for (const line of LINES) say(`  ${line}`);
await runNode([S2S, 'translate', '--model', RUN], { input: `${LINES.join('\n')}\n` });
say(`
Done in ${minutes()}. The model is in ${RUN}: weights, vocabulary and configuration.
Next steps (npx runs the s2s of this folder; npm link makes s2s available everywhere):
  npx s2s translate                              translates English lines to French; Ctrl-D quits
  npx s2s translate --beam-size 10 --n-best 3 --scores < file.en
  npx s2s train --config configs/own-data.yaml   trains on your own parallel text: edit that file first`);
