#!/usr/bin/env node
// Compiles TypeScript into dist/ and removes outputs without a source, such as deleted tests, which would still run.
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SetupError } from '../src/setup/failure.mjs';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';
import { stderrReporter } from '../src/setup/reporter.mjs';
import { run } from '../src/setup/run.mjs';

const DIST = join(PACKAGE_ROOT, 'dist');
/** Stamp file of the last successful compilation; its modification time is the start of that compilation. */
const STAMP = join(DIST, '.compiled');
const COMPILED_FOLDERS = ['src', 'bench', 'corpora', 'scripts', 'test'];

/**
 * Compiles if any source is newer than the last compilation.
 *
 * @param {import('../src/setup/fetch.mjs').Reporter} reporter
 */
export async function build(reporter) {
  for (const folder of COMPILED_FOLDERS) removeOrphans(folder);
  if (isUpToDate()) return;
  reporter.say('compiling TypeScript');
  const compiler = join(PACKAGE_ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(compiler))
    throw new SetupError('no-typescript', 'the TypeScript compiler is not installed', 'Run npm ci without --omit=dev.');
  const began = new Date();
  const { code } = await run(process.execPath, [compiler, '--project', PACKAGE_ROOT], {
    cwd: PACKAGE_ROOT,
    passOn: true,
  });
  if (code !== 0) throw new SetupError('not-compiled', 'the TypeScript compiler found errors');
  writeFileSync(STAMP, '');
  utimesSync(STAMP, began, began);
}

/** Whether all inputs of the compiler are older than the last compilation. */
function isUpToDate() {
  if (!existsSync(STAMP) || !existsSync(join(DIST, 'src', 'cli', 'main.js'))) return false;
  const built = statSync(STAMP).mtimeMs;
  const inputs = [
    ...COMPILED_FOLDERS.flatMap((folder) => filesIn(join(PACKAGE_ROOT, folder))),
    join(PACKAGE_ROOT, 'tsconfig.json'),
    join(PACKAGE_ROOT, 'package-lock.json'),
  ];
  return inputs.every((file) => statSync(file).mtimeMs < built);
}

/** @param {string} folder */
function removeOrphans(folder) {
  for (const file of filesIn(join(DIST, folder))) {
    const source = join(PACKAGE_ROOT, folder, file.slice(join(DIST, folder).length + 1)).replace(
      /(\.d)?\.(m?)(js|ts)(\.map)?$/,
      '',
    );
    if (!['.ts', '.mjs'].some((ending) => existsSync(source + ending))) rmSync(file);
  }
}

/** @param {string} folder */
function filesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await build(stderrReporter());
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    process.exitCode = 1;
  }
}
