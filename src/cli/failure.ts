import { formatPlace, S2sError, systemError } from '../errors.js';

/**
 * Prints an error to stderr.
 *
 * @param debug whether to print the stack traces of the error and its causes
 * @returns the exit code: 2 for a usage or configuration error, 1 for a failure
 */
export function reportError(given: unknown, debug: boolean): 1 | 2 {
  const print = (text: string): void => void process.stderr.write(`${text}\n`);
  const error = systemError(given);
  if (error instanceof S2sError) {
    const place = formatPlace(error.place);
    print(`error: ${place === '' ? '' : `${place}: `}${error.message}`);
    if (error.hint !== undefined) print(error.hint);
    if (debug) print(stackOf(error));
    return error.exitCode;
  }
  print(`error: ${error instanceof Error ? error.message : String(error)}`);
  print(debug ? stackOf(error) : 'This is an unexpected error; --debug shows its stack trace.');
  return 1;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\ncaused by ${stackOf(error.cause)}`;
}
