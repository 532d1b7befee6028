import { mkdir, readFile, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { replaceFile } from '../files/replace.mjs';

/*
 * `.s2s/last-run` in a working directory names the run last trained from there, so that `s2s translate` and
 * `s2s eval` need no --model after a training. The folder keeps itself out of version control.
 */

const FOLDER = '.s2s';
const FILE = 'last-run';

/**
 * Notes a run as the last one trained from a working directory. A directory that cannot be written to is no reason
 * to fail a training, so there the note is not made.
 *
 * @returns whether it was noted
 */
export async function rememberRun(runDirectory: string, workingDirectory = process.cwd()): Promise<boolean> {
  const folder = join(workingDirectory, FOLDER);
  try {
    await mkdir(folder, { recursive: true });
    await replaceFile(join(folder, '.gitignore'), '*\n');
    const path = relative(workingDirectory, resolve(workingDirectory, runDirectory)) || '.';
    await replaceFile(join(folder, FILE), `${path}\n`);
    return true;
  } catch {
    return false;
  }
}

/** The run last trained from a working directory, as an absolute path; undefined when none is known or it is gone. */
export async function lastRun(workingDirectory = process.cwd()): Promise<string | undefined> {
  try {
    const noted = (await readFile(join(workingDirectory, FOLDER, FILE), 'utf8')).trimEnd();
    const runDirectory = resolve(workingDirectory, noted);
    return noted !== '' && (await stat(runDirectory)).isDirectory() ? runDirectory : undefined;
  } catch {
    return undefined;
  }
}
