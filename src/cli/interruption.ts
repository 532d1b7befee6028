import { constants } from 'node:os';
import { setTimeout } from 'node:timers';

/**
 * Signals so soon after the first are the same keystroke: npm passes on to its child what the terminal has sent there
 * already, and a busy program finds both at once.
 */
const SAME_KEYSTROKE_MS = 500;

/** Ctrl-C, a polite kill, and a terminal that was closed. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/**
 * Exit code of a program that a signal ended, as shells have it: 128 plus the number of the signal, so 130 after
 * Ctrl-C and 143 after SIGTERM. It keeps scripts from going on with half a training.
 */
export function exitCodeOf(signal: StopSignal): number {
  return 128 + constants.signals[signal];
}

/** Listens for the wish to stop. */
export interface Interruption {
  /** Aborts at the first of these signals, which is its reason. */
  readonly signal: AbortSignal;
  /** Leaves signals to others again. */
  close(): void;
}

/**
 * Turns the first SIGINT, SIGTERM or SIGHUP into a signal that aborts, so that work can be saved; the second ends the process
 * at once.
 *
 * @param onFirst told of the first
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
