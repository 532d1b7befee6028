import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { addonFile, quietAddon } from '../../src/setup/addons.mjs';

const folder = mkdtempSync(join(tmpdir(), 's2s-package-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, S2S_MODEL: undefined },
  });
const filesIn = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();

run('npm', 'pack', '--silent', '--pack-destination', folder);
const archive = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
run('tar', '-xzf', join(folder, archive), '-C', folder);
const root = join(folder, 'package');
// The dependencies of the package, where npm installs them.
symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
const packed = filesIn(root);

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly main: string;
  readonly types: string;
  readonly bin: { readonly s2s: string };
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

test('the package is s2s-nmt and its command is s2s', () => {
  // Another package on the registry is named s2s.
  assert.equal(manifest.name, 's2s-nmt');
  assert.deepEqual(Object.keys(manifest.bin), ['s2s']);
  assert.equal(archive, `s2s-nmt-${manifest.version}.tgz`);
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    name: string;
    packages: Record<string, { name?: string }>;
  };
  assert.deepEqual([lock.name, lock.packages['']?.name], [manifest.name, manifest.name]);
  // The documentation must install and import the package under this name.
  for (const path of ['README.md', 'docs/api.md', 'dist/src/index.d.ts', 'CHANGELOG.md']) {
    const text = readFileSync(join(root, path), 'utf8');
    assert.doesNotMatch(text, /from 's2s'|\/s2s-\d|node_modules\/s2s\/|npm (install|i) (-\S+ )*s2s(@|\s|$)/m, path);
    assert.match(text, /'s2s-nmt'/, path);
  }
});

test('the package contains all files that users need', () => {
  const sources = filesIn('src').filter((path) => /\.m?ts$|\.mjs$/.test(path) && !path.endsWith('.d.ts'));
  assert.ok(sources.length > 100, `${sources.length} sources`);
  const needed = [
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    manifest.main,
    manifest.types,
    manifest.bin.s2s,
    ...filesIn('docs').map((path) => `docs/${path}`),
    'scripts/attention-table.mjs',
    ...filesIn('configs').map((path) => `configs/${path}`),
    ...filesIn('corpora')
      .filter((path) => path.startsWith('demo.'))
      .map((path) => `corpora/${path}`),
    // s2s setup compiles these on the user's machine.
    ...filesIn('src/runtime/native').map((path) => `src/runtime/native/${path}`),
    ...sources
      .flatMap((path) =>
        path.endsWith('.mjs') ? [path] : [path.replace(/\.ts$/, '.js'), path.replace(/\.ts$/, '.d.ts')],
      )
      .map((path) => `dist/src/${path}`),
  ];
  assert.deepEqual(
    needed.filter((path) => !packed.includes(path)),
    [],
  );
});

test('the package contains no other files', () => {
  const allowed = [
    /^(package\.json|LICENSE|(README|CHANGELOG)\.md|bin\/s2s\.js)$/,
    /^docs\/[^/]+\.md$/,
    /^configs\/[^/]+\.yaml$/,
    /^scripts\/attention-table\.mjs$/,
    /^corpora\/(README\.md|demo\.\w+\.\w\w)$/,
    /^src\/runtime\/native\/.*\.(cc|h)$/,
    /^dist\/src\/.*\.(d\.ts|js|d\.mts|mjs)$/,
  ];
  assert.deepEqual(
    packed.filter((path) => !allowed.some((pattern) => pattern.test(path))),
    [],
  );
  const withoutSource = packed.filter(
    (path) =>
      path.startsWith('dist/') &&
      !['.ts', '.mjs'].some((ending) => existsSync(path.slice('dist/'.length).replace(/(\.d)?\.m?[jt]s$/, ending))),
  );
  assert.deepEqual(withoutSource, [], 'compiled from deleted sources');
});

test('the unpacked package runs', () => {
  const bin = join(root, manifest.bin.s2s);
  assert.equal(run(process.execPath, bin, '--version').trim(), manifest.version);
  const schema = JSON.parse(run(process.execPath, bin, 'config', '--schema')) as { properties: object };
  assert.ok('training' in schema.properties);
});

test('the unpacked package compiles the same addons as the checkout', () => {
  // File names of addons contain a hash of sources and flags.
  const script = `
    import { addonFile, quietAddon } from ${JSON.stringify(join(root, 'dist/src/setup/addons.mjs'))};
    console.log(quietAddon().sources.join(), addonFile('/x', quietAddon()));`;
  const [sources = '', file] = run(process.execPath, '--input-type=module', '--eval', script).trim().split(' ');
  assert.ok(sources.startsWith(join(root, 'src')), sources);
  assert.equal(file, addonFile('/x', quietAddon()));
});
