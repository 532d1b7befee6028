#!/usr/bin/env node
// npm test: installs, builds and type-checks, checks formatting, lints, checks import rules, and runs all tests.
// Arguments select test files by a part of their path and skip the checks: npm test -- metrics
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';
import { runNode } from './step.mjs';

const chosen = process.argv.slice(2);
await runNode(['scripts/setup.mjs']);
const bin = (/** @type {string} */ path) => join('node_modules', ...path.split('/'));
if (chosen.length === 0) {
  console.log('formatting');
  await runNode(['scripts/format.mjs', '--check']);
  console.log('eslint');
  await runNode([bin('eslint/bin/eslint.js'), '--cache', '--max-warnings=0', '.']);
  await runNode([
    bin('dependency-cruiser/bin/dependency-cruise.mjs'),
    '--config',
    '.dependency-cruiser.cjs',
    'src',
    'bin',
  ]);
}
const files = readdirSync(join(PACKAGE_ROOT, 'dist', 'test'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.js') && (chosen.length === 0 || chosen.some((part) => path.includes(part))))
  .map((path) => join('dist', 'test', path))
  .sort();
if (files.length === 0) {
  console.error(`no path of a test file contains ${chosen.join(' or ')}`);
  process.exit(1);
}
// The user's environment must not change the results.
const env = { S2S_MODEL: undefined, NODE_OPTIONS: undefined };
process.exitCode = await runNode(
  [
    '--test',
    // By default, Node leaves one core unused, which on two cores doubles the time.
    `--test-concurrency=${availableParallelism()}`,
    '--test-reporter=./scripts/test-reporter.mjs',
    '--test-reporter-destination=stdout',
    ...files,
  ],
  { env, mayFail: true },
);
