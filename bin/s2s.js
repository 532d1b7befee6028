#!/usr/bin/env node
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';

const main = new URL('../dist/src/cli/main.js', import.meta.url);
if (existsSync(main)) {
  // The compile cache of Node 22.1 and later shortens the startup by a third.
  nodeModule.enableCompileCache?.();
  try {
    const { main: run } = await import(main.href);
    process.exitCode = await run(process.argv.slice(2));
  } catch (error) {
    // The program itself could not be loaded, for example because of a limit of open files.
    if (process.argv.includes('--debug')) throw error;
    process.stderr.write(`error: ${error.message}\nThe installation may be damaged, or a limit too low (ulimit -a).\n`);
    process.exitCode = 1;
  }
} else {
  process.stderr.write('error: s2s has not been built yet.\nRun: npm run setup\n');
  process.exitCode = 1;
}
