#!/usr/bin/env node
// Measures s2s and PyTorch on the same work, turn by turn, and prints a table: node bench/compare.mjs --help
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';
import { comparisonTable } from './table.mjs';

const HELP = `node bench/compare.mjs [options]

Measures s2s and PyTorch on the same work, turn by turn, and prints a table in Markdown. See bench/peer_pytorch.py for
what the work is. Nothing else may run on the machine meanwhile: PyTorch's threads wait for each other by spinning, and become
many times slower where a core is shared. A warning tells of other programs.

  --rounds N      turns of each (default 3)
  --python PATH   Python with PyTorch (default .venv/bin/python where it is, else python3)
  --models LIST   default lstm,lstm-deep
  --dtypes LIST   default float32,bfloat16; with --decode float32
  --device D      cpu (default) or gpu
  --decode        greedy translation instead of training
  --source FILE   with --decode, sentences as long as those of this text, in tokens as s2s tokenize writes them
  --steps N       steps timed in a turn, or passes over the sentences
  --warmup N      those before
  --peer SCRIPT   another peer with the same options and the same line of JSON (default bench/peer_pytorch.py)
`;

/** Share of the processor that other programs may use without a warning. */
const BUSY = 0.1;

const INSTALL = 'Install it: python3 -m venv .venv && .venv/bin/pip install torch==2.13.0';

/** A mistake or failure that is told without a stack. */
class Failure extends Error {
  /** @param {string} message @param {1 | 2} exitCode */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** @param {string[]} argv */
function options(argv) {
  const text = /** @type {const} */ ({ type: 'string' });
  const flag = /** @type {const} */ ({ type: 'boolean', default: false });
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        rounds: text,
        python: text,
        models: text,
        dtypes: text,
        device: text,
        steps: text,
        warmup: text,
        peer: text,
        source: text,
        decode: flag,
        help: { ...flag, short: 'h' },
      },
    });
    const rounds = Number(values.rounds ?? 3);
    if (!Number.isInteger(rounds) || rounds < 1)
      throw new Error(`--rounds must be a whole number of at least 1, but is ${values.rounds}`);
    const device = values.device ?? 'cpu';
    if (device !== 'cpu' && device !== 'gpu') throw new Error(`--device must be cpu or gpu, but is ${device}`);
    if (values.source !== undefined && !values.decode) throw new Error('--source goes with --decode');
    const local = join(PACKAGE_ROOT, '.venv', 'bin', 'python');
    return {
      ...values,
      rounds,
      device,
      models: (values.models ?? 'lstm,lstm-deep').split(','),
      dtypes: (values.dtypes ?? (values.decode ? 'float32' : 'float32,bfloat16')).split(','),
      python: values.python ?? (existsSync(local) ? local : 'python3'),
      peer: values.peer ?? join(PACKAGE_ROOT, 'bench', 'peer_pytorch.py'),
    };
  } catch (error) {
    throw new Failure(
      `${error instanceof Error ? error.message : error}\nnode bench/compare.mjs --help shows the options.`,
      2,
    );
  }
}

/**
 * Runs a program to its end.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>} code 127 when there is no such program
 */
function run(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (part) => (stdout += part));
    child.stderr.setEncoding('utf8').on('data', (part) => (stderr += part));
    child.on('error', (/** @type {NodeJS.ErrnoException} */ error) =>
      error.code === 'ENOENT'
        ? resolve({ code: 127, stdout, stderr: `there is no program ${program}` })
        : reject(error),
    );
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

/**
 * One measurement.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<import('./table.mjs').Report>}
 */
async function measure(program, args) {
  const { code, stdout, stderr } = await run(program, args);
  if (code !== 0) throw new Failure(`${[program, ...args].join(' ')} failed with exit code ${code}:\n${stderr.trim()}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** Share of all cores that other programs use while nothing is measured, over half a second. */
async function loadOfOthers() {
  const times = () =>
    cpus().map(({ times: { idle, user, nice, sys, irq } }) => ({ idle, all: idle + user + nice + sys + irq }));
  const before = times();
  await wait(500);
  const after = times();
  const sum = (/** @type {'idle' | 'all'} */ key) =>
    after.reduce((total, core, index) => total + core[key] - (before[index]?.[key] ?? 0), 0);
  return sum('all') === 0 ? 0 : 1 - sum('idle') / sum('all');
}

/** Before anything is measured: a peer that shows its help has found PyTorch. @param {string} python @param {string} peer */
async function checkPeer(python, peer) {
  if (!existsSync(peer)) throw new Failure(`there is no file ${peer}`, 2);
  const { code, stderr } = await run(python, [peer, '--help']);
  if (code === 127) throw new Failure(`${stderr}: name a Python with PyTorch, --python PATH.\n${INSTALL}`);
  if (/No module named '?torch/.test(stderr))
    throw new Failure(`${python} has no PyTorch.\n${INSTALL}\nor name another Python: --python PATH`);
  if (code !== 0) throw new Failure(`${python} ${peer} --help failed:\n${stderr.trim()}`);
}

/** @param {string[]} argv */
async function main(argv) {
  const settings = options(argv);
  if (settings.help) return process.stdout.write(HELP);
  const { rounds, python, peer, decode, source } = settings;
  await checkPeer(python, peer);
  const counts = /** @type {const} */ (['steps', 'warmup']).flatMap((name) =>
    settings[name] === undefined ? [] : [`--${name}`, settings[name]],
  );
  const jobs = settings.models.flatMap((model) =>
    settings.dtypes.map((dtype) => ({
      model,
      dtype,
      ours: /** @type {import('./table.mjs').Report[]} */ ([]),
      theirs: /** @type {import('./table.mjs').Report[]} */ ([]),
    })),
  );
  let others = 0;
  for (let round = 1; round <= rounds; round++) {
    for (const { model, dtype, ours, theirs } of jobs) {
      others = Math.max(others, await loadOfOthers());
      const common = [
        '--model',
        model,
        '--dtype',
        dtype,
        ...(decode ? ['--decode'] : []),
        ...(source === undefined ? [] : ['--source', source]),
        ...counts,
      ];
      const turns = [
        async () =>
          ours.push(
            await measure(process.execPath, [
              join(PACKAGE_ROOT, 'bin', 's2s.js'),
              'bench',
              ...common,
              '--device',
              settings.device,
            ]),
          ),
        async () =>
          theirs.push(await measure(python, [peer, ...common, '--device', settings.device === 'gpu' ? 'cuda' : 'cpu'])),
      ];
      // Whoever is second meets a warmer machine: they take turns at that, too.
      for (const turn of round % 2 === 1 ? turns : turns.reverse()) await turn();
      const [mine, other] = [ours, theirs].map((reports) =>
        Math.round(reports.at(-1)?.target_tokens_per_second ?? NaN),
      );
      process.stderr.write(
        `round ${round} of ${rounds}: ${model} ${dtype}: s2s ${mine}, peer ${other} target tokens/s\n`,
      );
    }
  }
  others = Math.max(others, await loadOfOthers());
  if (others > BUSY)
    process.stderr.write(
      `warning: other programs used up to ${Math.round(100 * others)} % of the processor between the measurements: the numbers mean little, least of all those of PyTorch\n`,
    );
  const [first] = jobs;
  process.stdout.write(
    `${first?.ours[0]?.system} and ${first?.theirs[0]?.system}, device ${first?.ours[0]?.device}, ${decode ? 'greedy decoding' : 'training'}, ${rounds} round${rounds === 1 ? '' : 's'}\n\n${comparisonTable(jobs)}`,
  );
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
