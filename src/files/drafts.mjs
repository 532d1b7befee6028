import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ownIdentity, processState } from './process-identity.mjs';

/*
 * A draft is a file that is still being written: it lies in the folder of the file that it will replace, under a name
 * that no reader looks for, `.NAME.MACHINE-PID-STARTED-RANDOM.draft`. The name says which process writes it, so that
 * drafts of dead processes can be recognized and removed.
 */

const DRAFT = /^\..+\.([0-9a-f]{8})-(\d+)-(\d*)-[0-9a-f]{8}\.draft$/;
/** Drafts of other machines are removed when they have not been written to for this long. */
const FOREIGN_MS = 24 * 3600 * 1000;
/** File systems allow 255 bytes for a name; the rest is taken by what follows it. */
const LONGEST_NAME = 120;

const own = ownIdentity();
const place = JSON.stringify([own.host, own.boot, own.namespace]);
const machine = createHash('sha256').update(place).digest('hex').slice(0, 8);
/** Folders that this process has cleared of leftover drafts. */
const cleared = new Set();

/**
 * A new name for a draft of a file.
 *
 * @param {string} file
 * @returns {string}
 */
export function draftName(file) {
  const name = Buffer.from(basename(file))
    .subarray(0, LONGEST_NAME)
    .toString('latin1')
    .replace(/[^\w.-]/g, '_');
  const writer = `${machine}-${process.pid}-${own.started ?? ''}-${randomBytes(4).toString('hex')}`;
  return join(dirname(file), `.${name}.${writer}.draft`);
}

/**
 * Removes the drafts in a folder whose processes are dead, once per folder and process. A folder that cannot be read
 * or changed is left as it is.
 *
 * @param {string} folder
 */
export function removeLeftoverDrafts(folder) {
  if (cleared.has(folder)) return;
  cleared.add(folder);
  try {
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      if (isLeftover(name, file)) rmSync(file, { force: true });
    }
  } catch {
    // Leftovers take space and do no other harm.
  }
}

/**
 * @param {string} name
 * @param {string} file
 */
function isLeftover(name, file) {
  const [, writer, pid, started] = DRAFT.exec(name) ?? [];
  if (writer === undefined) return false;
  if (writer === machine) return processState({ ...own, pid: Number(pid), started: started || undefined }) === 'gone';
  return Date.now() - statSync(file).mtimeMs > FOREIGN_MS;
}
