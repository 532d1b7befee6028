/** Where a problem is: a file, a line in it (counted from 1), a configuration key. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly key?: string;
}

/**
 * A problem that the user can understand and mend: what is wrong, where, and what to do.
 *
 * The command line prints `place: message` and the hint, without a stack trace, and exits with `exitCode`:
 * 1 for a failure, 2 for a mistake in usage or configuration.
 */
export class S2sError extends Error {
  override readonly name: string = 'S2sError';
  readonly code: string;
  readonly exitCode: 1 | 2;
  readonly place: Place | undefined;
  readonly hint: string | undefined;

  /**
   * @param code stable identifier for programs, in words joined by hyphens: `line-counts-differ`
   * @param message one sentence on what is wrong
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

/** A mistake in the command line or the configuration: exit code 2. */
export class UsageError extends S2sError {
  override readonly name = 'UsageError';

  constructor(code: string, message: string, details: { place?: Place; hint?: string; cause?: unknown } = {}) {
    super(code, message, { ...details, exitCode: 2 });
  }
}

/** `file:line: key` as far as known, or the empty string. */
export function formatPlace(place: Place | undefined): string {
  if (place === undefined) return '';
  const position =
    place.file === undefined ? '' : place.line === undefined ? place.file : `${place.file}:${place.line}`;
  return [position, place.key].filter((part) => part !== undefined && part !== '').join(': ');
}

/** What the system's error codes mean for someone who named a file to read, in words that go after its name. */
export const UNREADABLE = {
  ENOENT: 'there is no such file',
  EISDIR: 'is a folder, not a file',
  EACCES: 'may not be read (permission denied)',
} as const;

/**
 * Why a file cannot be read.
 *
 * @param error of the system
 * @param own words for some codes in place of, or beside, those of `UNREADABLE`
 */
export function whyUnreadable(error: unknown, own: Readonly<Partial<Record<string, string>>> = {}): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const words: Readonly<Partial<Record<string, string>>> = { ...UNREADABLE, ...own };
  return words[code] ?? `cannot be read: ${message}`;
}
