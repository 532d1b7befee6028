#!/usr/bin/env node
// Benchmarks s2s against other programs on the same workload and prints a table: node bench/compare.mjs --help
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { PACKAGE_ROOT } from '../src/setup/layout.mjs';
import { HELP, parseOptions } from './options.mjs';
import { checkPeer, Failure, findPeer, measure } from './peers.mjs';
import { comparisonTable, remarks } from './table.mjs';

/** Share of the CPU that other programs may use without a warning. */
const MAX_OTHER_LOAD = 0.1;

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
 * A program and how it is started for a model and dtype.
 *
 * @typedef {{ name: string, command: string, first: readonly string[], device: string }} Program
 */

/**
 * Runs one program on one workload and adds its report to the job.
 *
 * @param {Program} program
 * @param {import('./table.mjs').Job} job
 * @param {readonly string[]} passed options that all programs get
 * @param {string} folder of the hypotheses of trained models
 */
async function runOnce({ name, command, first, device }, job, passed, folder) {
  if (job.refused.has(name)) return 'refused';
  const { model, dtype } = job;
  const isTrained = existsSync(join(model, 'config.yaml'));
  const output = join(folder, 'hypotheses');
  const options = ['--model', model, '--dtype', dtype, ...passed, '--device', device];
  const report = await measure(command, [...first, ...options, ...(isTrained ? ['--output', output] : [])]);
  if ('refused' in report) {
    if (name === 's2s') throw new Failure(`s2s bench ${options.join(' ')}: ${report.refused}`, 2);
    process.stderr.write(`${name} is left out for ${model}, ${dtype}: ${report.refused}\n`);
    job.refused.add(name);
    return 'refused';
  }
  job.reports.set(name, [...(job.reports.get(name) ?? []), report]);
  if (isTrained) job.hypotheses.set(name, readFileSync(output, 'utf8'));
  return `${Math.round(report.target_tokens_per_second)}`;
}

/** @param {readonly string[]} argv */
async function main(argv) {
  const { help, rounds, peers, pythonOf, models, dtypes, device, decode, passed } = parseOptions(argv);
  if (help) return process.stdout.write(HELP);
  const found = peers.map((peer) => findPeer(peer, pythonOf(peer)));
  for (const peer of found) await checkPeer(peer);
  /** @type {Program[]} */
  const programs = [
    { name: 's2s', command: process.execPath, first: [join(PACKAGE_ROOT, 'bin', 's2s.js'), 'bench'], device },
    ...found.map(({ name, python, script }) => ({
      name,
      command: python,
      first: [script],
      device: device === 'gpu' ? 'cuda' : 'cpu',
    })),
  ];
  /** @type {import('./table.mjs').Job[]} */
  const jobs = models.flatMap((model) =>
    dtypes.map((dtype) => ({ model, dtype, reports: new Map(), refused: new Set(), hypotheses: new Map() })),
  );
  const folder = mkdtempSync(join(tmpdir(), 's2s-compare-'));
  let load = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      for (const job of jobs) {
        load = Math.max(load, await otherLoad());
        /** @type {string[]} */
        const speeds = [];
        // A later run finds a warmer machine, so the order rotates.
        const first = round % programs.length;
        for (const program of [...programs.slice(first), ...programs.slice(0, first)])
          speeds.push(`${program.name} ${await runOnce(program, job, passed, folder)}`);
        const where = `round ${round + 1} of ${rounds}: ${job.model} ${job.dtype}`;
        process.stderr.write(`${where}: ${speeds.join(', ')} target tokens/s\n`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  load = Math.max(load, await otherLoad());
  if (load > MAX_OTHER_LOAD) {
    const percent = Math.round(100 * load);
    process.stderr.write(`warning: other programs used up to ${percent} % of the CPU: the results are unreliable\n`);
  }
  const names = programs.map(({ name }) => name).filter((name) => jobs.some(({ reports }) => reports.has(name)));
  const [ours] = jobs[0]?.reports.get('s2s') ?? [];
  const beam = ours?.beam_size ?? 1;
  const title = [
    systems(jobs, names),
    `device ${ours?.device}`,
    decode ? (beam > 1 ? `decoding with beam ${beam}` : 'greedy decoding') : 'training',
    rounds === 1 ? '1 round' : `${rounds} rounds`,
  ];
  const below = remarks(jobs, names).map((line) => `\n- ${line}`);
  process.stdout.write(`${title.join(', ')}\n\n${comparisonTable(jobs, names)}${below.join('')}\n`);
}

/**
 * The programs with their versions.
 *
 * @param {readonly import('./table.mjs').Job[]} jobs
 * @param {readonly string[]} names
 */
function systems(jobs, names) {
  const all = names.map((name) => jobs.flatMap(({ reports }) => reports.get(name) ?? [])[0]?.system);
  return all.length < 3 ? all.join(' and ') : `${all.slice(0, -1).join('; ')} and ${all.at(-1)}`;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
