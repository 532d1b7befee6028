import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { downloadWheels } from '../../../src/setup/fetch.mjs';

const CONTENT = 'the right bytes';
const FILE = 'some_wheel-1.0-py3-none-any.whl';
const wheel = {
  name: 'some-wheel',
  version: '1.0',
  sha256: createHash('sha256').update(CONTENT).digest('hex'),
  megabytes: 1,
};
let folder: string;
let downloads: string;
let said: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 's2s-fetch-'));
  downloads = join(folder, 'downloads');
  mkdirSync(downloads);
  said = [];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Downloads with a fake pip that records its call and writes the correct file, as pip does after it verified checksums.
 */
async function download(): Promise<{ files: string[]; pipWasCalled: boolean }> {
  const [pip, note] = [join(folder, 'pip'), join(folder, 'called')];
  writeFileSync(
    pip,
    `#!/bin/sh\ntouch '${note}'\nwhile [ "$1" != --dest ]; do shift; done\nprintf '${CONTENT}' > "$2/${FILE}"\n`,
  );
  chmodSync(pip, 0o755);
  const reporter = { say: (text: string) => void said.push(text), progress: () => undefined, end: () => undefined };
  const files = await downloadWheels({ python: 'python3', pip: [pip] }, [wheel], 'linux-x64', downloads, reporter);
  return { files, pipWasCalled: existsSync(note) };
}

test('a complete download of an earlier run is reused', async () => {
  writeFileSync(join(downloads, FILE), CONTENT);
  assert.deepEqual(await download(), { files: [join(downloads, FILE)], pipWasCalled: false });
});

for (const [name, content] of [
  ['damaged', 'the wrong bytes'],
  ['truncated', CONTENT.slice(0, 7)],
  ['empty', ''],
] as const) {
  test(`a file of an earlier run is downloaded again: ${name}`, async () => {
    writeFileSync(join(downloads, FILE), content);
    assert.deepEqual(await download(), { files: [join(downloads, FILE)], pipWasCalled: true });
    assert.equal(readFileSync(join(downloads, FILE), 'utf8'), CONTENT);
    assert.match(said.join('\n'), /some_wheel-1\.0-py3-none-any\.whl has a wrong checksum and is downloaded again/);
    assert.deepEqual(readdirSync(downloads), [FILE]);
  });
}
