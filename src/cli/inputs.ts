import { S2sError, UNREADABLE, whyUnreadable } from '../errors.js';

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
    const refuse = (cause: unknown): never => {
      throw new S2sError('file-unreadable', whyUnreadable(cause, { ENOTDIR: UNREADABLE.ENOENT }), {
        place: { file },
        cause,
      });
    };
    const stats = await stat(file).catch(refuse);
    if (stats.isDirectory()) throw new S2sError('file-unreadable', UNREADABLE.EISDIR, { place: { file } });
    await access(file, constants.R_OK).catch(refuse);
  }
}
