import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeReadError, READ_ERRORS, S2sError } from '../errors.js';

/**
 * Checks that all input files of a command can be read, before it computes anything.
 *
 * @param files paths; - is stdin
 * @throws S2sError `file-unreadable`
 */
export async function checkReadable(files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (file === '-') continue;
    const fail = (cause: unknown): never => {
      throw new S2sError('file-unreadable', describeReadError(cause, { ENOTDIR: READ_ERRORS.ENOENT }), {
        place: { file },
        cause,
      });
    };
    const stats = await stat(file).catch(fail);
    if (stats.isDirectory()) throw new S2sError('file-unreadable', READ_ERRORS.EISDIR, { place: { file } });
    await access(file, constants.R_OK).catch(fail);
  }
}

/** An output file of a command, which is written when the result has been computed. */
export interface OutputFile {
  readonly file: string;
  /** The option that names it. */
  readonly option: string;
  /** What is written to it, in the plural, for messages. */
  readonly content: string;
}

/**
 * Checks that an output file can be written, before the command computes anything, and that it is none of the inputs.
 *
 * @param inputs paths; - is stdin
 * @throws S2sError `file-unwritable`
 */
export async function checkWritable({ file, option, content }: OutputFile, inputs: readonly string[]): Promise<void> {
  const failure = (reason: string, cause?: unknown): S2sError =>
    new S2sError('file-unwritable', `${content} cannot be written there: ${reason}`, {
      place: { file },
      hint: `Name another file after ${option}.`,
      cause,
    });
  const present = await stat(file).catch(() => undefined);
  if (present?.isDirectory() === true) throw failure('it is a directory');
  for (const input of present?.isFile() === true ? inputs : []) {
    const other = input === '-' ? undefined : await stat(input).catch(() => undefined);
    if (other?.ino === present?.ino && other?.dev === present?.dev)
      throw failure(`it is an input of this command${input === file ? '' : `, as ${input}`}`);
  }
  const [needed, reason] =
    present === undefined
      ? [dirname(file), 'the directory does not exist or is not writable']
      : [file, 'it is not writable'];
  await access(needed, constants.W_OK).catch((cause: unknown) => {
    throw failure(reason, cause);
  });
}
