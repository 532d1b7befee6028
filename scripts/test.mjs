#!/usr/bin/env node
// npm test: installs and builds what is missing (the build checks the types), lints, checks the directions of imports,
// and runs all tests. Words after `npm test --` choose test files by a part of their path: npm test -- metrics
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';
import { node } from './step.mjs';

const chosen = process.argv.slice(2);
await node(['scripts/setup.mjs']);
const bin = (/** @type {string} */ path) => join('node_modules', ...path.split('/'));
if (chosen.length === 0) {
  console.log('eslint');
  await node([bin('eslint/bin/eslint.js'), '--cache', '--max-warnings=0', '.']);
  await node([
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
  console.error(`no test file has ${chosen.join(' or ')} in its path`);
  process.exit(1);
}
// Tests leave the user's own settings alone.
const env = { S2S_MODEL: undefined, NODE_OPTIONS: undefined };
process.exitCode = await node(
  ['--test', '--test-reporter=./scripts/test-reporter.mjs', '--test-reporter-destination=stdout', ...files],
  { env, mayFail: true },
);
