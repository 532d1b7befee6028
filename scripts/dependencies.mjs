import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SetupError } from '../src/setup/failure.mjs';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';
import { withLock } from '../src/setup/lock.mjs';
import { run } from '../src/setup/run.mjs';

/**
 * Installs the packages of package-lock.json, unless they are installed.
 *
 * @param {import('../src/setup/fetch.mjs').Reporter} reporter
 */
export async function installDependencies(reporter) {
  checkNode(process.versions.node, PACKAGE_ROOT);
  if (dependenciesInstalled(PACKAGE_ROOT)) return;
  const checkout = createHash('sha256').update(PACKAGE_ROOT).digest('hex').slice(0, 12);
  await withLock(join(tmpdir(), `s2s-install-${checkout}.lock`), reporter.say, async () => {
    if (dependenciesInstalled(PACKAGE_ROOT)) return;
    reporter.say('installing packages (npm ci)');
    const { npm_execpath: npm } = process.env;
    const args = ['ci', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
    const { code } =
      npm === undefined
        ? await run('npm', args, { cwd: PACKAGE_ROOT, passOn: true })
        : await run(process.execPath, [npm, ...args], { cwd: PACKAGE_ROOT, passOn: true });
    if (code !== 0)
      throw new SetupError(
        'packages-not-installed',
        'npm could not install the packages',
        "See its messages above, check the network and npm's settings, then run the setup again.",
      );
  });
}

/**
 * Requires the version of Node in `engines` of package.json, about which npm only warns.
 *
 * @param {string} version
 * @param {string} root
 */
export function checkNode(version, root) {
  /** @type {{ engines: { node: string } }} */
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const oldest = engines.node.replace('>=', '');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldest.split('.').map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new SetupError(
    'node-too-old',
    `Node ${oldest} or later is needed, and this is ${version}`,
    'Download it from https://nodejs.org.',
  );
}

/**
 * Whether the installed packages, which npm records in node_modules/.package-lock.json, are those of package-lock.json.
 * Optional packages, which include those for other platforms, may be missing.
 *
 * @param {string} root
 */
export function dependenciesInstalled(root) {
  const installedFile = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return false;
  /** @typedef {{ packages: Record<string, { version?: string, optional?: boolean }> }} LockFile */
  /** @type {LockFile} */
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  /** @type {LockFile} */
  const installed = JSON.parse(readFileSync(installedFile, 'utf8'));
  return Object.entries(wanted.packages).every(([path, { version, optional }]) => {
    if (path === '') return true;
    const found = installed.packages[path];
    return found === undefined ? optional === true : found.version === version;
  });
}
