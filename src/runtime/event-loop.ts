/**
 * Yields to timers, signals and I/O. Computation blocks the thread, so long loops call this between steps. Takes one
 * iteration of Node's event loop, or a zero timeout elsewhere.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
