import { spawn } from 'node:child_process';

/**
 * Result of a program.
 * @typedef {object} Result
 * @property {number | null} code exit code; null if it was killed or could not be started
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * Runs a program and waits for it. If it cannot be started, `code` is null and `stderr` has the reason.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, input?: string, passOn?: boolean }} [options] `passOn` forwards
 *   its output to stderr instead of capturing it
 * @returns {Promise<Result>}
 */
export function run(program, args, { cwd, env, input = '', passOn = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['pipe', passOn ? 2 : 'pipe', passOn ? 2 : 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    child.stdout?.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output.stderr += text));
    child.on('error', (error) => resolve({ code: null, stdout: '', stderr: error.message }));
    child.on('close', (code) => resolve({ code, ...output }));
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/**
 * The last lines of a program's stderr, or of its stdout if stderr is empty.
 *
 * @param {Result} result
 * @param {number} lines
 */
export function lastLines({ stdout, stderr }, lines = 12) {
  const text = stderr.trim() === '' ? stdout : stderr;
  return text.trim().split('\n').slice(-lines).join('\n');
}
