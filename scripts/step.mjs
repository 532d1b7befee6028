import { spawn } from 'node:child_process';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';

/**
 * Runs a Node script with inherited streams. If it fails, exits with its exit code.
 *
 * @param {readonly string[]} args the script and its arguments
 * @param {{ input?: string, env?: NodeJS.ProcessEnv, mayFail?: boolean }} [options] `input` is written to its stdin;
 *   `mayFail` returns a nonzero exit code instead of exiting
 * @returns {Promise<number>} exit code
 */
export async function runNode(args, { input, env, mayFail = false } = {}) {
  const child = spawn(process.execPath, args, {
    cwd: PACKAGE_ROOT,
    env: { ...process.env, ...env },
    stdio: [input === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'],
  });
  child.stdin?.end(input);
  const code = await new Promise((resolve, reject) =>
    child.on('error', reject).on('close', (exitCode) => resolve(exitCode ?? 1)),
  );
  if (code !== 0 && !mayFail) process.exit(code);
  return code;
}
