#!/usr/bin/env node
// npm run demo: a model trained on the corpus in corpora/ in a few minutes, its score on sentences that it has not
// seen, and translations of a few lines. Whatever is there from an earlier run is kept: to start over, remove runs/demo.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';
import { node } from './step.mjs';

const CONFIG = join('configs', 'demo.yaml');
const RUN = join('runs', 'demo');
const S2S = join('bin', 's2s.js');
/** A few sentences that are not in the training corpus. */
const LINES = readFileSync(join(PACKAGE_ROOT, 'corpora', 'demo.test.en'), 'utf8')
  .split('\n')
  .slice(0, 5);

const say = (/** @type {string} */ text) => process.stderr.write(`${text}\n`);
const started = Date.now();
const minutes = () => `${((Date.now() - started) / 60_000).toFixed(1)} min`;

await node(['scripts/setup.mjs']);
say(`\n[${minutes()}] s2s train --config ${CONFIG}`);
const resumed = existsSync(join(PACKAGE_ROOT, RUN, 'checkpoints', 'index.json'));
await node([S2S, 'train', '--config', CONFIG, ...(resumed ? ['--resume'] : [])]);
say(`\n[${minutes()}] s2s eval --config ${CONFIG} --split test`);
await node([S2S, 'eval', '--config', CONFIG, '--split', 'test']);
say(`\n[${minutes()}] s2s translate --model ${RUN}, with these lines on stdin:`);
for (const line of LINES) say(`  ${line}`);
await node([S2S, 'translate', '--model', RUN], { input: `${LINES.join('\n')}\n` });
say(`
Done in ${minutes()}. The model is in ${RUN}: weights, vocabulary and configuration.
What to type next (npx runs the s2s of this folder; npm link, once, makes s2s a command everywhere):
  npx s2s translate                              type English, read French; Ctrl-D ends
  npx s2s translate --beam-size 10 --n-best 3 --scores < file.en
  npx s2s train --config configs/own-data.yaml   your own parallel text: read that file first`);
