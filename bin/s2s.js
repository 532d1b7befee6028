#!/usr/bin/env node
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';

const main = new URL('../dist/src/cli/main.js', import.meta.url);
if (existsSync(main)) {
  // Compiled code is kept from run to run where Node can do that (22.1 and later): a third off the start.
  nodeModule.enableCompileCache?.();
  const { main: run } = await import(main.href);
  process.exitCode = await run(process.argv.slice(2));
} else {
  process.stderr.write('error: s2s has not been built yet.\nRun: npm run setup\n');
  process.exitCode = 1;
}
