import { describeSystemError, fileOf, isSystemError, remedyOf } from './system-errors.js';

/** Location of a problem: a file, a line (counted from 1), a configuration key. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly key?: string;
}

/**
 * An error that the user can fix. It states what is wrong (`message`), where (`place`) and what to do (`hint`).
 *
 * The command line prints `place: message` and the hint without a stack trace, and exits with `exitCode`: 2 for errors
 * in usage or configuration, 1 for all others.
 */
export class S2sError extends Error {
  override readonly name: string = 'S2sError';
  readonly code: string;
  readonly exitCode: 1 | 2;
  readonly place: Place | undefined;
  readonly hint: string | undefined;

  /**
   * @param code stable identifier for programs, in kebab case: `line-counts-differ`
   * @param message one sentence
   */
  constructor(
    code: string,
    message: string,
    details: { place?: Place; hint?: string; exitCode?: 1 | 2; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.exitCode = details.exitCode ?? 1;
    this.place = details.place;
    this.hint = details.hint;
  }
}

/** An error in the command line or the configuration, with exit code 2. */
export class UsageError extends S2sError {
  override readonly name = 'UsageError';

  constructor(code: string, message: string, details: { place?: Place; hint?: string; cause?: unknown } = {}) {
    super(code, message, { ...details, exitCode: 2 });
  }
}

/** `file:line: key`, without the parts that are unknown. */
export function formatPlace(place: Place | undefined): string {
  if (place === undefined) return '';
  const position =
    place.file === undefined ? '' : place.line === undefined ? place.file : `${place.file}:${place.line}`;
  return [position, place.key].filter((part) => part !== undefined && part !== '').join(': ');
}

/**
 * Converts an error of the operating system, such as a full disk, to one that names the file and the remedy. Other
 * errors are returned unchanged.
 *
 * @param details.file default: the file that the error names
 * @param details.note what else there is to know: `the last checkpoint is from step 4`
 * @param details.hint what to do afterwards, in addition to the remedy
 */
export function systemError(
  error: unknown,
  { file, note, hint }: { readonly file?: string; readonly note?: string; readonly hint?: string } = {},
): unknown {
  if (!isSystemError(error)) return error;
  const problem = describeSystemError(error);
  const hints = [remedyOf(error), hint].filter((text) => text !== undefined);
  return new S2sError('system-error', note === undefined ? problem : `${problem}; ${note}`, {
    place: { file: file ?? fileOf(error) },
    hint: hints.length > 0 ? hints.join(' ') : undefined,
    cause: error,
  });
}

/** Messages for error codes of the system when a file is read. They follow the name of the file. */
export const READ_ERRORS = {
  ENOENT: 'there is no such file',
  EISDIR: 'is a folder, not a file',
  EACCES: 'may not be read (permission denied)',
} as const;

/**
 * Describes why a file cannot be read.
 *
 * @param error from the file system
 * @param messages by error code; they override or extend `READ_ERRORS`
 */
export function describeReadError(error: unknown, messages: Readonly<Partial<Record<string, string>>> = {}): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const known: Readonly<Partial<Record<string, string>>> = { ...READ_ERRORS, ...messages };
  return known[code] ?? `cannot be read: ${isSystemError(error) ? describeSystemError(error) : message}`;
}
