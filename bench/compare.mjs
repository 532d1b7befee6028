#!/usr/bin/env node
// Benchmarks s2s against PyTorch on the same workload and prints a table: node bench/compare.mjs --help
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';
import { comparisonTable } from './table.mjs';

const HELP = `node bench/compare.mjs [options]

Benchmarks s2s against PyTorch on the same workload, alternating between both, and prints a table in Markdown. The
workload is described in bench/peer_pytorch.py. Run nothing else on the machine: PyTorch's threads busy-wait for each
other and become many times slower when they share a core. A warning is printed if other programs use the CPU.

  --rounds N      runs of each program (default 3)
  --python PATH   Python with PyTorch (default .venv/bin/python if it exists, else python3)
  --models LIST   default lstm,lstm-deep
  --dtypes LIST   default float32,bfloat16; with --decode float32
  --device D      cpu (default) or gpu
  --decode        measure greedy decoding instead of training
  --source FILE   with --decode: use the sentence lengths of this tokenized text (output of s2s tokenize)
  --steps N       timed training steps, or passes over the sentences, per run
  --warmup N      warm-up steps or passes per run
  --peer SCRIPT   another program with the same options and JSON output (default bench/peer_pytorch.py)
`;

/** Share of the CPU that other programs may use without a warning. */
const MAX_OTHER_LOAD = 0.1;

const INSTALL = 'Install it: python3 -m venv .venv && .venv/bin/pip install torch==2.13.0';

/** An error that is printed without its stack. */
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
    if (values.source !== undefined && !values.decode) throw new Error('--source requires --decode');
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
    const reason = error instanceof Error ? error.message : error;
    throw new Failure(`${reason}\nnode bench/compare.mjs --help shows the options.`, 2);
  }
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
 * @returns {Promise<import('./table.mjs').Report>}
 */
async function measure(program, args) {
  const { code, stdout, stderr } = await run(program, args);
  if (code !== 0) throw new Failure(`${[program, ...args].join(' ')} failed with exit code ${code}:\n${stderr.trim()}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** CPU load between measurements, from 0 to 1, over half a second: that of other programs. */
async function otherLoad() {
  const times = () =>
    cpus().map(({ times: { idle, user, nice, sys, irq } }) => ({ idle, all: idle + user + nice + sys + irq }));
  const before = times();
  await wait(500);
  const after = times();
  const sum = (/** @type {'idle' | 'all'} */ key) =>
    after.reduce((total, core, index) => total + core[key] - (before[index]?.[key] ?? 0), 0);
  return sum('all') === 0 ? 0 : 1 - sum('idle') / sum('all');
}

/**
 * Checks the peer before any measurement: it imports PyTorch even for --help.
 *
 * @param {string} python
 * @param {string} peer
 */
async function checkPeer(python, peer) {
  if (!existsSync(peer)) throw new Failure(`no such file: ${peer}`, 2);
  const { code, stderr } = await run(python, [peer, '--help']);
  if (code === 127) throw new Failure(`${stderr}. Choose a Python with PyTorch: --python PATH\n${INSTALL}`);
  if (/No module named '?torch/.test(stderr))
    throw new Failure(`${python} has no PyTorch.\n${INSTALL}\nOr choose another Python: --python PATH`);
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
  let load = 0;
  for (let round = 1; round <= rounds; round++) {
    for (const { model, dtype, ours, theirs } of jobs) {
      load = Math.max(load, await otherLoad());
      const common = [
        '--model',
        model,
        '--dtype',
        dtype,
        ...(decode ? ['--decode'] : []),
        ...(source === undefined ? [] : ['--source', source]),
        ...counts,
      ];
      const s2s = [join(PACKAGE_ROOT, 'bin', 's2s.js'), 'bench', ...common, '--device', settings.device];
      const pytorch = [peer, ...common, '--device', settings.device === 'gpu' ? 'cuda' : 'cpu'];
      const runs = [
        async () => ours.push(await measure(process.execPath, s2s)),
        async () => theirs.push(await measure(python, pytorch)),
      ];
      // The second run finds a warmer machine, so the order alternates.
      for (const run of round % 2 === 1 ? runs : runs.reverse()) await run();
      const [ourSpeed, theirSpeed] = [ours, theirs].map((reports) =>
        Math.round(reports.at(-1)?.target_tokens_per_second ?? NaN),
      );
      const speeds = `s2s ${ourSpeed}, peer ${theirSpeed} target tokens/s`;
      process.stderr.write(`round ${round} of ${rounds}: ${model} ${dtype}: ${speeds}\n`);
    }
  }
  load = Math.max(load, await otherLoad());
  if (load > MAX_OTHER_LOAD) {
    const percent = Math.round(100 * load);
    process.stderr.write(`warning: other programs used up to ${percent} % of the CPU: the results are unreliable\n`);
  }
  const [first] = jobs;
  const title = [
    `${first?.ours[0]?.system} and ${first?.theirs[0]?.system}`,
    `device ${first?.ours[0]?.device}`,
    decode ? 'greedy decoding' : 'training',
    rounds === 1 ? '1 round' : `${rounds} rounds`,
  ];
  process.stdout.write(`${title.join(', ')}\n\n${comparisonTable(jobs)}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
