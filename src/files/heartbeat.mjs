import { Worker } from 'node:worker_threads';

/** Time between two writes. */
const BEAT_MS = 15_000;

/**
 * Plain text, because it runs in a thread of its own: the main thread may compute for minutes without a pause.
 * It writes the same bytes in place, which moves the modification time by the clock of the file system. The file is
 * opened once: when another process has replaced it, the writes go to the file that was ours.
 */
const THREAD = `
const { openSync, readFileSync, writeSync } = require('node:fs');
const { workerData: { file, text, interval } } = require('node:worker_threads');
try {
  const handle = openSync(file, 'r+');
  if (readFileSync(handle, 'utf8') === text) {
    setInterval(() => {
      try {
        writeSync(handle, text, 0);
      } catch {
        // The next one may succeed.
      }
    }, interval);
  }
} catch {
  // Released already.
}
`;

/**
 * Keeps the modification time of a file young for as long as the process lives, however busy it is. Does not keep the
 * process alive.
 *
 * @param {string} file
 * @param {string} text its content
 * @param {number} [interval] milliseconds
 * @returns {() => Promise<void>} ends it
 */
export function startHeartbeat(file, text, interval = BEAT_MS) {
  const worker = new Worker(THREAD, { eval: true, execArgv: [], workerData: { file, text, interval } });
  worker.unref();
  // A machine that cannot start a thread has no heartbeat; processes of the same machine do not need one.
  worker.on('error', () => undefined);
  return async () => {
    await worker.terminate();
  };
}
