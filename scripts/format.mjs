#!/usr/bin/env node
// npm run format: formats TypeScript, JavaScript and JSON with Prettier, and C++ with clang-format. With --check, which
// npm test uses, reports unformatted files and changes none.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';
import { runNode } from './step.mjs';

/** Other major versions format differently. Install: pip install clang-format==23.1.5 */
const CLANG_FORMAT_VERSION = 23;

const check = process.argv.includes('--check');
const prettier = join('node_modules', 'prettier', 'bin', 'prettier.cjs');
await runNode([prettier, '--log-level=warn', check ? '--check' : '--write', '.']);
formatNative();

function formatNative() {
  const { stdout, error } = spawnSync('clang-format', ['--version'], { encoding: 'utf8' });
  const version = Number(/version (\d+)\./.exec(stdout ?? '')?.[1]);
  if (error !== undefined || version !== CLANG_FORMAT_VERSION) {
    const found = error === undefined ? `version ${version} was found` : 'it is not installed';
    console.log(`skipping C++: clang-format ${CLANG_FORMAT_VERSION} is needed, and ${found}`);
    return;
  }
  const folder = join(PACKAGE_ROOT, 'src', 'runtime', 'native');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.(cc|h)$/.test(file));
  const options = check ? ['--dry-run', '--Werror'] : ['-i'];
  const { status } = spawnSync('clang-format', [...options, ...files], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
