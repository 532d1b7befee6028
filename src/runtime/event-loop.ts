/**
 * Lets timers, signals and I/O run. Computing blocks the thread, so long loops call this between their steps. In Node it
 * takes one turn of the event loop; elsewhere a timer does.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
