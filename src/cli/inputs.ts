import { S2sError } from '../errors.js';

const DENIED = 'may not be read (permission denied)';
const MESSAGES: Readonly<Partial<Record<string, string>>> = { ENOENT: 'there is no such file', ENOTDIR: 'there is no such file', EACCES: DENIED };

/**
 * Checks that the files which a command will read one after the other can all be read, before it computes anything.
 *
 * @param files paths; - is stdin
 * @throws S2sError `file-unreadable`
 */
export async function checkInputs(files: readonly string[]): Promise<void> {
  const { access, constants, stat } = await import('node:fs/promises');
  for (const file of files) {
    if (file === '-') continue;
    const unreadable = (message: string, cause?: unknown): S2sError => new S2sError('file-unreadable', message, { place: { file }, cause });
    const stats = await stat(file).catch((cause: unknown) => {
      throw unreadable(MESSAGES[(cause as NodeJS.ErrnoException).code ?? ''] ?? `cannot be read: ${(cause as Error).message}`, cause);
    });
    if (stats.isDirectory()) throw unreadable('is a folder, not a file');
    await access(file, constants.R_OK).catch((cause: unknown) => {
      throw unreadable(DENIED, cause);
    });
  }
}
