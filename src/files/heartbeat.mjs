import { Worker } from 'node:worker_threads';

const BEAT_MS = 15_000;

/**
 * Source of a worker thread, because the main thread can be blocked for minutes. It rewrites the same bytes in place,
 * which updates the modification time by the clock of the file system. The file is opened only once: if another process
 * has replaced it, the replacement is not touched.
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
        // The next write may succeed.
      }
    }, interval);
  }
} catch {
  // The lock was released.
}
`;

/**
 * Updates the modification time of a file regularly while the process lives, even if it is busy. Does not keep the
 * process alive.
 *
 * @param {string} file
 * @param {string} text content of the file
 * @param {number} [interval] milliseconds
 * @returns {() => Promise<void>} stops the heartbeat
 */
export function startHeartbeat(file, text, interval = BEAT_MS) {
  const worker = new Worker(THREAD, { eval: true, execArgv: [], workerData: { file, text, interval } });
  worker.unref();
  // Without a thread there is no heartbeat. Processes on the same machine do not need it.
  worker.on('error', () => undefined);
  return async () => {
    await worker.terminate();
  };
}
