import { constants } from 'node:os';
import { setTimeout } from 'node:timers';

/** Signals within this time are from one keystroke: npm forwards the SIGINT that the terminal also sends. */
const SAME_KEYSTROKE_MS = 500;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** The exit code of shells for a process that was ended by a signal: 128 plus the number of the signal. */
export function exitCodeOf(signal: StopSignal): number {
  return 128 + constants.signals[signal];
}

export interface Interruption {
  /** Aborted at the first signal, with its name as the reason. */
  readonly signal: AbortSignal;
  /** Removes the signal handlers. */
  close(): void;
}

/**
 * Turns the first SIGINT, SIGTERM or SIGHUP into an abort signal, so that work can be saved; the second one ends the
 * process immediately.
 *
 * @param onFirst called at the first signal
 */
export function interruption(onFirst: () => void): Interruption {
  const controller = new AbortController();
  let mayExit = false;
  const interrupt = (name: StopSignal): void => {
    if (mayExit) process.exit(exitCodeOf(name));
    if (controller.signal.aborted) return;
    controller.abort(name);
    setTimeout(() => (mayExit = true), SAME_KEYSTROKE_MS).unref();
    onFirst();
  };
  for (const name of STOP_SIGNALS) process.on(name, interrupt);
  return {
    signal: controller.signal,
    close() {
      for (const name of STOP_SIGNALS) process.off(name, interrupt);
    },
  };
}
