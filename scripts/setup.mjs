#!/usr/bin/env node
// npm run setup: everything that a fresh clone needs, as far as it is not there: packages, native library, build.
// Plain JavaScript on Node's own modules, because it runs before anything is installed or compiled.
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { installDependencies } from './dependencies.mjs';
import { SetupError } from '../src/setup/failure.mjs';
import { stderrReporter } from '../src/setup/reporter.mjs';

const reporter = stderrReporter();
try {
  const { values } = parseArgs({ options: { cuda: { type: 'boolean' }, cpu: { type: 'boolean' } } });
  await installDependencies(reporter);
  // Only now: it needs the packages.
  const { setUpNative } = await import('../src/setup/native.mjs');
  const { withoutOps } = await setUpNative({
    variant: values.cuda ? 'cuda' : values.cpu ? 'cpu' : undefined,
    reporter,
  });
  if (withoutOps !== undefined) reporter.say(`warning: no custom ops, training is slower without them: ${withoutOps}`);
  await build(reporter);
} catch (error) {
  reporter.end();
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`error: ${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`);
  process.exitCode = 1;
}
