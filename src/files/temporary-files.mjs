import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ownIdentity, processState } from './process-identity.mjs';

/*
 * A temporary file holds new content until it is renamed to its final name. It is in the same directory and is named
 * `.NAME.MACHINE-PID-STARTED-RANDOM.draft`. The name identifies the process that writes it, so that the files of dead
 * processes can be deleted.
 */

const TEMPORARY = /^\..+\.([0-9a-f]{8})-(\d+)-(\d*)-[0-9a-f]{8}\.draft$/;
/** Age at which temporary files of other machines are stale. */
const MAX_AGE_MS = 24 * 3600 * 1000;
/** File systems limit names to 255 bytes; this leaves room for the suffix. */
const MAX_NAME_BYTES = 120;

const own = ownIdentity();
const machineIdentity = JSON.stringify([own.host, own.boot, own.namespace]);
const machine = createHash('sha256').update(machineIdentity).digest('hex').slice(0, 8);
/** Directories that this process has already checked for stale files. */
const checked = new Set();

/**
 * Returns a unique name for a temporary file.
 *
 * @param {string} file the final name
 * @returns {string}
 */
export function temporaryName(file) {
  const name = Buffer.from(basename(file))
    .subarray(0, MAX_NAME_BYTES)
    .toString('latin1')
    .replace(/[^\w.-]/g, '_');
  const writer = `${machine}-${process.pid}-${own.started ?? ''}-${randomBytes(4).toString('hex')}`;
  return join(dirname(file), `.${name}.${writer}.draft`);
}

/**
 * Deletes the temporary files of dead processes in a directory, if it is writable. Later calls for the same directory
 * have no effect.
 *
 * @param {string} folder
 */
export function removeStaleTemporaryFiles(folder) {
  if (checked.has(folder)) return;
  checked.add(folder);
  try {
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      if (isStale(name, file)) rmSync(file, { force: true });
    }
  } catch {
    // Stale files only take up space.
  }
}

/**
 * @param {string} name
 * @param {string} file
 */
function isStale(name, file) {
  const [, writer, pid, started] = TEMPORARY.exec(name) ?? [];
  if (writer === undefined) return false;
  if (writer === machine) return processState({ ...own, pid: Number(pid), started: started || undefined }) === 'gone';
  return Date.now() - statSync(file).mtimeMs > MAX_AGE_MS;
}
