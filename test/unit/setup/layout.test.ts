import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { cacheFolder, PACKAGE_ROOT, tensorflowFolder } from '../../../src/setup/layout.mjs';

test('the cache folder is S2S_CACHE, else in XDG_CACHE_HOME, else the platform default', () => {
  assert.equal(cacheFolder({ S2S_CACHE: '/scratch/s2s', XDG_CACHE_HOME: '/x' }, 'linux'), '/scratch/s2s');
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/x' }, 'linux'), join('/x', 's2s'));
  assert.equal(cacheFolder({ S2S_CACHE: '', XDG_CACHE_HOME: '' }, 'linux'), join(homedir(), '.cache', 's2s'));
  assert.equal(cacheFolder({}, 'darwin'), join(homedir(), 'Library', 'Caches', 's2s'));
});

test('compiled code finds the root of the package', () => {
  assert.ok(existsSync(join(PACKAGE_ROOT, 'package.json')));
  assert.ok(existsSync(join(PACKAGE_ROOT, 'src', 'runtime', 'native')));
});

test('folders of builds are named by version, variant and platform', () => {
  assert.match(basename(tensorflowFolder('cuda', '/cache')), /^tensorflow-\d+\.\d+\.\d+-cuda-[a-z0-9]+-[a-z0-9]+$/);
});
