import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import { prebuiltAddonFile } from '../../../src/setup/addons.mjs';
import { PLATFORM, RECORD_FILE } from '../../../src/setup/layout.mjs';
import { TENSORFLOW_VERSION, tensorflowWheels } from '../../../src/setup/wheels.mjs';

const noWheel = tensorflowWheels('cpu', PLATFORM) === undefined && 'pip has no TensorFlow for this platform';
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 's2s-setup-'));
  mkdirSync(join(folder, 'bin'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a shell script into the PATH of the setup. */
function program(name: string, script: string): void {
  const path = join(folder, 'bin', name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

/**
 * Runs `s2s setup --cpu` with only the test's programs on its PATH, an empty cache, and no host for tfjs-node's
 * installer.
 */
function runSetup(): Promise<{ code: number; stderr: string }> {
  const env = {
    PATH: join(folder, 'bin'),
    HOME: folder,
    S2S_CACHE: join(folder, 'cache'),
    TFJS_NODE_CDN_STORAGE: 'http://127.0.0.1:9/',
  };
  return new Promise((done) => {
    execFile(process.execPath, [resolve('bin/s2s.js'), 'setup', '--cpu'], { env }, (error, _stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), stderr }),
    );
  });
}

/** Fakes a complete installation of TensorFlow, so that only the compiler is missing. */
function fakeInstallation(): void {
  const library = join(folder, 'cache', `tensorflow-${TENSORFLOW_VERSION}-cpu-${PLATFORM}`);
  mkdirSync(library, { recursive: true });
  writeFileSync(join(library, RECORD_FILE), '{}');
}

test('without Python the error has the install command', { skip: noWheel }, async () => {
  const { code, stderr } = await runSetup();
  assert.equal(code, 1);
  assert.match(stderr, /error: python3 is needed to download TensorFlow, but was not found\nInstall it: /);
});

test('without pip the error has the install command', { skip: noWheel }, async () => {
  program('python3', 'case "$*" in *pip*) exit 1;; esac; exit 0');
  const { code, stderr } = await runSetup();
  assert.equal(code, 1);
  assert.match(
    stderr,
    /error: pip is needed to download TensorFlow, but was not found\nInstall it: .*pip|brew install python/,
  );
});

test(
  "if pip and tfjs-node's own installer both fail, the error has both reasons",
  { skip: noWheel || (existsSync(prebuiltAddonFile()) && 'the library of tfjs-node is installed') },
  async () => {
    program(
      'python3',
      'case "$*" in *download*) echo "ERROR: No matching distribution found" >&2; exit 1;; esac; exit 0',
    );
    const { code, stderr } = await runSetup();
    assert.equal(code, 1);
    assert.match(stderr, /pip could not download tensorflow(-cpu)? [\d.]+:\nERROR: No matching distribution found/);
    assert.match(stderr, /The installer of tfjs-node-gpu [\d.]+ failed too/);
    assert.match(stderr, /PIP_INDEX_URL/);
  },
);

test('without a compiler the error has the install command', { skip: noWheel }, async () => {
  fakeInstallation();
  const { code, stderr } = await runSetup();
  assert.equal(code, 1);
  assert.ok(stderr.includes('error: a C++ compiler is needed, but none of c++, g++, clang++ was found\nInstall it: '));
});

test('a compiler failure shows the first compiler error', { skip: noWheel }, async () => {
  fakeInstallation();
  program(
    'c++',
    'case "$*" in --version) exit 0;; esac; echo "x.cc:1:1: error: no such thing" >&2; echo more >&2; exit 1',
  );
  const { code, stderr } = await runSetup();
  assert.equal(code, 1);
  assert.match(stderr, /tfjs_binding could not be compiled by c\+\+:\nx\.cc:1:1: error: no such thing/);
});

test('before the setup, loading TensorFlow fails with the setup command', async () => {
  const env = { ...process.env, HOME: folder, S2S_CACHE: join(folder, 'empty') };
  const script =
    "import('./dist/src/runtime/library.js').then(({ chooseLibrary }) => chooseLibrary('auto'))" +
    '.catch((error) => console.log(error.code, error.message, error.hint))';
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env });
  assert.match(
    stdout,
    /^no-native-library TensorFlow is not installed yet Run once: s2s setup \(in a checkout: npm run setup\)/,
  );
});
