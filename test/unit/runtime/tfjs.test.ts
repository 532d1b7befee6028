import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { S2sError } from '../../../src/errors.js';
import { checkTfjsVersion } from '../../../src/runtime/tfjs.js';
import { TFJS_VERSION } from '../../../src/setup/addons.mjs';

interface Dependencies {
  readonly dependencies: Readonly<Record<string, string>>;
}
const NAME = '@tensorflow/tfjs-node-gpu';

test('package.json and its lock file pin tfjs-node-gpu to the version that is checked at run time', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Dependencies;
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, Dependencies & { version: string }>;
  };
  assert.equal(manifest.dependencies[NAME], TFJS_VERSION);
  assert.equal(lock.packages['']?.dependencies[NAME], TFJS_VERSION);
  assert.equal(lock.packages[`node_modules/${NAME}`]?.version, TFJS_VERSION);
});

test('another version throws an error with its folder and the remedy', () => {
  checkTfjsVersion(TFJS_VERSION, '/modules');
  assert.throws(
    () => checkTfjsVersion('4.23.0', '/modules/tfjs'),
    (error) =>
      error instanceof S2sError &&
      error.code === 'wrong-tfjs-version' &&
      error.message === `s2s needs ${NAME} ${TFJS_VERSION}, but /modules/tfjs is version 4.23.0` &&
      /--save-exact/.test(error.hint ?? ''),
  );
});
