import { formatPlace, S2sError } from '../errors.js';

/**
 * Tells the user of an error on stderr.
 *
 * @param debug whether to show the stack
 * @returns the exit code: 2 for a mistake in usage or configuration, 1 for a failure
 */
export function reportFailure(error: unknown, debug: boolean): 1 | 2 {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  if (error instanceof S2sError) {
    const place = formatPlace(error.place);
    say(`error: ${place === '' ? '' : `${place}: `}${error.message}`);
    if (error.hint !== undefined) say(error.hint);
    if (debug) say(stackOf(error));
    return error.exitCode;
  }
  say(`error: ${error instanceof Error ? error.message : String(error)}`);
  say(debug ? stackOf(error) : 'This is not an error that s2s knows. --debug shows where it comes from.');
  return 1;
}

/** The stack of an error and of what caused it. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by ${stackOf(error.cause)}`;
}
