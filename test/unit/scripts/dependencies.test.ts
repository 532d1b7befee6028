import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkNode, dependenciesInstalled } from '../../../scripts/dependencies.mjs';

const root = mkdtempSync(join(tmpdir(), 's2s-dependencies-'));
after(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, packages: object): void => writeFileSync(join(root, path), JSON.stringify({ packages }));

test('packages are reinstalled only if they differ from package-lock.json', () => {
  const wanted = {
    '': {},
    'node_modules/a': { version: '1.0.0' },
    'node_modules/other-system': { version: '1.0.0', optional: true },
  };
  write('package-lock.json', wanted);
  assert.equal(dependenciesInstalled(root), false);
  mkdirSync(join(root, 'node_modules'));
  write('node_modules/.package-lock.json', { 'node_modules/a': { version: '1.0.0' } });
  assert.equal(dependenciesInstalled(root), true);
  write('package-lock.json', { ...wanted, 'node_modules/b': { version: '2.0.0' } });
  assert.equal(dependenciesInstalled(root), false);
  write('package-lock.json', { ...wanted, 'node_modules/a': { version: '1.0.1' } });
  assert.equal(dependenciesInstalled(root), false);
});

test('a version of Node below engines throws an error', () => {
  writeFileSync(join(root, 'package.json'), JSON.stringify({ engines: { node: '>=20.19' } }));
  for (const version of ['20.19.0', '20.20.2', '22.0.0', '24.1.0']) assert.doesNotThrow(() => checkNode(version, root));
  assert.throws(() => checkNode('18.20.1', root), /Node 20\.19 or later is needed, and this is 18\.20\.1/);
  assert.throws(() => checkNode('20.9.0', root), /Node 20\.19/);
});
