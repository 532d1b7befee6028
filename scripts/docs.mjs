// npm run docs: writes the settings reference, made from the schema of configurations, into README.md. Runs compiled.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { configReference } from '../src/config/reference.js';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';

const BEGIN = '<!-- settings: made by npm run docs, do not edit -->';
const END = '<!-- end of settings -->';

/**
 * A README with the settings reference between its two marks as it should be now.
 *
 * @param {string} readme
 * @throws {Error} where the marks are missing
 */
export function withReference(readme) {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`README.md lacks the line ${begin === -1 ? BEGIN : END}`);
  return `${readme.slice(0, begin)}${BEGIN}\n\n${configReference()}\n${readme.slice(end)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = join(PACKAGE_ROOT, 'README.md');
  writeFileSync(file, withReference(readFileSync(file, 'utf8')));
}
