/** Exit code of a program that a signal ended: 128 plus the number of SIGINT. */
const INTERRUPTED = 130;

/**
 * A signal that aborts at the first SIGINT or SIGTERM, so that work can be saved; the second ends the process at once.
 *
 * @param onFirst told of the first
 */
export function interruption(onFirst: () => void): AbortSignal {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort();
    onFirst();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return controller.signal;
}
