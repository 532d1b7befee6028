import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, uptime } from 'node:os';

/**
 * Identifies a process among all processes of all machines that share a file system.
 *
 * @typedef {object} ProcessIdentity
 * @property {string} host
 * @property {number} pid
 * @property {string} since ISO date at which the lock or temporary file was created
 * @property {string} [boot] identifies the running kernel; Linux only
 * @property {string} [namespace] PID namespace (of a container); Linux only
 * @property {string} [started] start time, which distinguishes processes with the same pid; Linux only
 */

/** Tolerance for clock adjustments when an identity is compared with the boot time. */
const CLOCK_SLACK_MS = 60_000;

const machine = {
  host: hostname(),
  boot: readText('/proc/sys/kernel/random/boot_id'),
  namespace: readLink('/proc/self/ns/pid'),
};

/** @returns {ProcessIdentity} of this process */
export function ownIdentity() {
  return { ...machine, pid: process.pid, started: readProcess(process.pid)?.started, since: new Date().toISOString() };
}

/**
 * Whether a process is running. `unknown` if it belongs to another machine or container, or to an earlier boot of a
 * machine of the same name, so that it cannot be inspected.
 *
 * @param {ProcessIdentity} identity
 * @returns {'running' | 'gone' | 'unknown'}
 */
export function processState({ host, boot, namespace, pid, started, since }) {
  if (host !== machine.host || differ(boot, machine.boot) || differ(namespace, machine.namespace)) return 'unknown';
  if (boot === undefined && Date.parse(since) < Date.now() - uptime() * 1000 - CLOCK_SLACK_MS) return 'gone';
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: running as another user.
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH') return 'gone';
  }
  const found = readProcess(pid);
  // A killed process remains as a zombie until its parent reads its exit code.
  if (found?.state === 'Z' || found?.state === 'X' || differ(started, found?.started)) return 'gone';
  return 'running';
}

/**
 * @param {number} pid
 * @returns {{ state: string | undefined, started: string | undefined } | undefined} undefined without /proc
 */
function readProcess(pid) {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // proc(5): "pid (name) state ...", field 22 is the start time. The name may contain spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], started: fields[19] };
}

/**
 * @param {string | undefined} left
 * @param {string | undefined} right
 * @returns {boolean} false if one is unknown
 */
function differ(left, right) {
  return left !== undefined && right !== undefined && left !== right;
}

/** @param {string} file @returns {string | undefined} */
function readText(file) {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** @param {string} file @returns {string | undefined} */
function readLink(file) {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}
