import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

/** Result of an `s2s` process. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const BIN = resolve('bin/s2s.js');

/** Runs `s2s` in a child process, without the default model of the caller's environment. */
export async function runCommand(
  args: readonly string[],
  { input = '', cwd, env }: { input?: string | Uint8Array; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [BIN, ...args], { cwd, env: { ...process.env, S2S_MODEL: undefined, ...env } });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8');
    child[name].on('data', (text: string) => (output[name] += text));
  }
  // Ignore EPIPE: a command that fails early does not read its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((done) => child.on('close', done));
  return { code, ...output };
}
