import { fstatSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemError } from '../errors.js';

/** How long to wait until the reader of a non-blocking stdout takes more. */
const RETRY_MS = 5;

let firstError: Error | undefined;

/**
 * Writes text to stdout, and resolves when all of it is written. The only way in which commands write data: a plain
 * `process.stdout.write` to a file loses the rest of a text that the disk can hold only in part.
 *
 * @throws S2sError of `systemError` if stdout cannot take the text, such as a file on a full disk
 */
export async function writeOutput(text: string): Promise<void> {
  try {
    if (isFile()) await writeAll(Buffer.from(text));
    else
      await new Promise<void>((resolve, reject) =>
        process.stdout.write(text, (error) => (error ? reject(error) : resolve())),
      );
  } catch (error) {
    throw outputError(error);
  }
}

/** The error of a write to stdout outside `writeOutput`, such as `--help`; undefined if all were successful. */
export async function earlierOutputError(): Promise<unknown> {
  // Streams report errors in a later turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  return firstError === undefined ? undefined : outputError(firstError);
}

/**
 * Ends the process with exit code 0 if the reader of stdout, such as `head`, closes the pipe. Continues without
 * messages if stderr cannot be written, so that a training survives.
 */
export function handleOutputErrors(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    firstError ??= error;
  });
  process.stderr.on('error', () => undefined);
}

/** Whether stdout is a file or a device other than a terminal, to which Node writes synchronously. */
function isFile(): boolean {
  const stats = fstatSync(process.stdout.fd);
  return stats.isFile() || (stats.isCharacterDevice() && !process.stdout.isTTY);
}

async function writeAll(bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(process.stdout.fd, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await sleep(RETRY_MS);
    }
  }
}

function outputError(error: unknown): unknown {
  return systemError(error, { file: 'stdout' });
}
