// The programs that s2s is compared with. Each is a script with the options of `s2s bench` and its JSON output.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';

/** An error that is printed without its stack. */
export class Failure extends Error {
  /** @param {string} message @param {1 | 2} exitCode */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * A program that is measured, and the command line that starts it.
 *
 * @typedef {object} Peer
 * @property {string} name heading in the table
 * @property {string} python
 * @property {string} script
 * @property {string} [install] command that installs what the script imports
 */

/**
 * Each peer has its own virtual environment, because their packages need not fit each other.
 *
 * @type {Readonly<Record<string, { name: string, environment: string, creator?: string, packages: string }>>}
 */
const KNOWN = {
  pytorch: { name: 'PyTorch', environment: '.venv', packages: 'torch==2.13.0' },
  ctranslate2: {
    name: 'CTranslate2',
    environment: '.venv-ctranslate2',
    packages: 'ctranslate2==4.8.0 numpy pyyaml',
  },
  // There are wheels for Python 3.7 to 3.11.
  pymarian: {
    name: 'pymarian',
    environment: '.venv-pymarian',
    creator: 'python3.11',
    packages: 'pymarian==1.12.42',
  },
};

export const PEER_NAMES = Object.keys(KNOWN);

/**
 * Finds a peer.
 *
 * @param {string} named a name of `PEER_NAMES` or the path of a script
 * @param {string | undefined} python the Python that runs it; by default that of its virtual environment, if it exists
 * @returns {Peer}
 */
export function findPeer(named, python) {
  const known = Object.hasOwn(KNOWN, named) ? KNOWN[named] : undefined;
  const script = known === undefined ? named : join(PACKAGE_ROOT, 'bench', `peer_${named}.py`);
  if (!existsSync(script)) {
    const hint = known === undefined ? `\nThe known peers are ${PEER_NAMES.join(', ')}.` : '';
    throw new Failure(`no such file: ${script}${hint}`, 2);
  }
  if (known === undefined) return { name: basename(named, extname(named)), python: python ?? 'python3', script };
  const { name, environment, creator = 'python3', packages } = known;
  const local = join(PACKAGE_ROOT, environment, 'bin', 'python');
  return {
    name,
    python: python ?? (existsSync(local) ? local : creator),
    script,
    install: `${creator} -m venv ${environment} && ${environment}/bin/pip install ${packages}`,
  };
}

/**
 * Checks a peer before any measurement: it imports its packages even for --help.
 *
 * @param {Peer} peer
 */
export async function checkPeer({ name, python, script, install }) {
  const remedy = `${install === undefined ? '' : `Install it: ${install}\n`}Or choose another Python: --python PATH`;
  const { code, stderr } = await run(python, [script, '--help']);
  if (code === 127) throw new Failure(`${stderr}, which should run ${name}.\n${remedy}`);
  if (/ModuleNotFoundError|No module named/.test(stderr)) throw new Failure(`${python} has no ${name}.\n${remedy}`);
  if (code !== 0) throw new Failure(`${python} ${script} --help failed:\n${stderr.trim()}`);
}

/**
 * Runs a program and waits for it.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>} code 127 if the program was not found
 */
function run(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (part) => (stdout += part));
    child.stderr.setEncoding('utf8').on('data', (part) => (stderr += part));
    child.on('error', (/** @type {NodeJS.ErrnoException} */ error) =>
      error.code === 'ENOENT' ? resolve({ code: 127, stdout, stderr: `${program} was not found` }) : reject(error),
    );
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

/**
 * Runs one benchmark and parses its JSON output.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<import('./table.mjs').Report | { refused: string }>} the reason why it does not do this work, if it
 *   says so as a usage error (exit code 2)
 */
export async function measure(program, args) {
  const { code, stdout, stderr } = await run(program, args);
  if (code === 2) return { refused: stderr.trim().split('\n').at(-1) ?? '' };
  if (code !== 0) throw new Failure(`${[program, ...args].join(' ')} failed with exit code ${code}:\n${stderr.trim()}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}
