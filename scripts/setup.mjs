#!/usr/bin/env node
// npm run setup: installs packages and native libraries and builds a fresh clone. Skips what is up to date.
// Plain JavaScript that imports only Node modules at start, because it runs before anything is installed or compiled.
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { installDependencies } from './dependencies.mjs';
import { SetupError } from '../src/setup/failure.mjs';
import { stderrReporter } from '../src/setup/reporter.mjs';

const reporter = stderrReporter();
try {
  const { values } = parseArgs({ options: { cuda: { type: 'boolean' }, cpu: { type: 'boolean' } } });
  await installDependencies(reporter);
  // Imported only here, because it needs the packages.
  const { setUpNative } = await import('../src/setup/native.mjs');
  const { noOpsReason } = await setUpNative({
    variant: values.cuda ? 'cuda' : values.cpu ? 'cpu' : undefined,
    reporter,
  });
  if (noOpsReason !== undefined) reporter.say(`warning: training is slower without the custom ops: ${noOpsReason}`);
  await build(reporter);
} catch (error) {
  reporter.end();
  // Errors of the system, such as a full disk, name the file in their message.
  if (!(error instanceof Error && (error instanceof SetupError || 'syscall' in error))) throw error;
  const hint = error instanceof SetupError ? error.hint : undefined;
  process.stderr.write(`error: ${error.message}\n${hint === undefined ? '' : `${hint}\n`}`);
  process.exitCode = 1;
}
