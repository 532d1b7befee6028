// npm run docs: generates docs/settings.md, the reference of all settings, from the configuration schema. Runs
// compiled.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { configReference } from '../src/config/reference.js';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';

/** Path of the page, relative to the package. */
export const SETTINGS_PAGE = 'docs/settings.md';

const INTRODUCTION = `<!-- Made by npm run docs from src/config/: do not edit. -->

# Settings

A configuration is a YAML or JSON file. Settings that are left out have their defaults; \`s2s config --print\` shows a
configuration with all of them, and \`s2s config --schema\` prints the JSON Schema for editors. \`auto\` means that the
value is [chosen from the training text](auto.md), except for \`device\`, \`precision\` and
\`training.validation.bleuTokenizer\`. A value that is given is always taken. A step is an update, one step of the
optimiser.

Keys are dotted, as \`--set\` takes them: \`--set training.batch.size=4096\`. In keys such as \`data.train.N\`, N is the
number of a list item, from 0, and the keys of its table follow: \`--set data.train.0.weight=2\`.

Relative paths are relative to the folder of the file; paths from the command line, and paths that begin with an
environment variable, are relative to the working directory. \`\${NAME}\` and \`\${NAME:-default}\` read the
environment; \`$\${NAME}\` is the literal text \`\${NAME}\`.
`;

/** The page in Markdown. */
export function settingsPage() {
  return `${INTRODUCTION}\n${configReference().replaceAll(/^### /gm, '## ')}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join(PACKAGE_ROOT, SETTINGS_PAGE), settingsPage());
}
