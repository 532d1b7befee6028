import { readFile, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { makeFolder } from '../files/make-folder.mjs';
import { replaceFile } from '../files/replace.mjs';

/*
 * `.s2s/last-run` in a working directory contains the path of the run directory that was last trained from there, the
 * default of `--model` in `s2s translate` and `s2s eval`. Its own .gitignore excludes `.s2s` from version control.
 */

const FOLDER = '.s2s';
const FILE = 'last-run';

/**
 * Records a run as the last one trained from a working directory.
 *
 * @returns false if the working directory is not writable, which must not make training fail
 */
export async function writeLastRun(runDirectory: string, workingDirectory = process.cwd()): Promise<boolean> {
  const folder = join(workingDirectory, FOLDER);
  try {
    makeFolder(folder);
    await replaceFile(join(folder, '.gitignore'), '*\n');
    const path = relative(workingDirectory, resolve(workingDirectory, runDirectory)) || '.';
    await replaceFile(join(folder, FILE), `${path}\n`);
    return true;
  } catch {
    return false;
  }
}

/** Absolute path of the run last trained from a working directory; undefined if unknown or deleted. */
export async function readLastRun(workingDirectory = process.cwd()): Promise<string | undefined> {
  try {
    const recorded = (await readFile(join(workingDirectory, FOLDER, FILE), 'utf8')).trimEnd();
    const runDirectory = resolve(workingDirectory, recorded);
    return recorded !== '' && (await stat(runDirectory)).isDirectory() ? runDirectory : undefined;
  } catch {
    return undefined;
  }
}
