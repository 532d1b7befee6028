import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { UsageError } from '../errors.js';
import { replaceFileSync } from '../files/replace.mjs';
import { readConfigDocument } from './document.js';
import { fillFromEnvironment, protectFromEnvironment } from './environment.js';
import { reportIssue } from './issues.js';
import { ConfigError, formatKey, type Problem, type Report } from './problems.js';
import { upgradeModel } from './model.js';
import { configSchema, type Config } from './schema.js';
import { sealed } from './seal.js';

/** Name of the resolved configuration in a run directory. */
export const CONFIG_FILE = 'config.yaml';

/** A configuration as YAML, every default written out, so that loading it again gives the same. */
export function formatConfig(config: Config): string {
  return stringify(protectFromEnvironment(config), { lineWidth: 0 });
}

/** A line of every configuration that s2s writes: such a file, and no other, is replaced by the next training. */
const HEADER = '# Written by s2s: the configuration of this run with every default.\n';

/**
 * Refuses a run directory whose `config.yaml` a user wrote: the resolved configuration would replace it.
 *
 * @throws UsageError `config-foreign`
 */
export function assertNoOtherConfig(runDirectory: string): void {
  const file = join(runDirectory, CONFIG_FILE);
  if (!existsSync(file) || readFileSync(file, 'utf8').includes(HEADER)) return;
  throw new UsageError(
    'config-foreign',
    's2s did not write this file, and the configuration of the run would replace it',
    {
      place: { file },
      hint: 'Choose another run directory (--run-dir DIR), or rename the file.',
    },
  );
}

/**
 * Writes the resolved configuration into a run directory, completely or not at all, with a checksum in its first line. A file
 * that already holds it is left unchanged.
 */
export function saveResolvedConfig(config: Config, runDirectory: string): void {
  const file = join(runDirectory, CONFIG_FILE);
  const text = sealed(HEADER + formatConfig(config));
  mkdirSync(dirname(file), { recursive: true });
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) replaceFileSync(file, text);
}

/**
 * The file with the configuration of a run.
 *
 * @throws UsageError `no-run` where there is none
 */
export function resolvedConfigFile(runDirectory: string): string {
  const file = join(runDirectory, CONFIG_FILE);
  if (existsSync(file)) return file;
  throw new UsageError('no-run', `is not the run directory of a training: it has no ${CONFIG_FILE}.`, {
    place: { file: runDirectory },
    hint: 'Train first (s2s train), or name the folder of a trained model.',
  });
}

/**
 * The configuration that a run was trained with. Keys that it lacks, as those of a later version, get their defaults.
 *
 * @throws UsageError `no-run` where there is none; ConfigError where it is damaged
 */
export function readResolvedConfig(runDirectory: string): Config {
  const document = readConfigDocument(resolvedConfigFile(runDirectory));
  const problems: Problem[] = [];
  const report: Report = (path, problem) =>
    void problems.push({ ...problem, place: { ...document.locate(path), key: formatKey(path) } });
  // A resolved configuration holds no references any more, only texts that look like them.
  const value = upgraded(fillFromEnvironment(document.value, {}, report));
  const parsed = configSchema.safeParse(value);
  if (parsed.success && problems.length === 0) return { ...parsed.data, runDirectory };
  for (const issue of parsed.error?.issues ?? []) reportIssue(issue, value, report);
  throw new ConfigError(problems);
}

function upgraded(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'model' in value
    ? { ...value, model: upgradeModel(value.model) }
    : value;
}
