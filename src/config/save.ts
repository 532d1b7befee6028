import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { UsageError } from '../errors.js';
import { makeFolder } from '../files/make-folder.mjs';
import { replaceFileSync } from '../files/replace.mjs';
import { readConfigDocument, withChecksum } from './document.js';
import { escapeVariables, substituteVariables } from './environment.js';
import type { LoadedConfig } from './file-schema.js';
import { upgradeConfig } from './model.js';
import { ConfigError, formatKey, reportIssue, type Problem, type Report } from './problems.js';
import { configSchema, type Config } from './schema.js';

/** Name of the resolved configuration in a run directory. */
export const CONFIG_FILE = 'config.yaml';

/** Marks a configuration that s2s wrote, and that training may therefore replace. */
const HEADER = '# Written by s2s: the configuration of this run with every default.\n';

/** Formats a configuration as YAML with all defaults; loading the result returns the same configuration. */
export function formatConfig(config: LoadedConfig): string {
  return stringify(escapeVariables(config), { lineWidth: 0 });
}

/**
 * Rejects a run directory whose `config.yaml` was not written by s2s: the resolved configuration would replace it.
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
 * Writes the resolved configuration to a run directory, atomically and with a checksum in its first line. The file is
 * not rewritten if its content is the same.
 */
export function saveResolvedConfig(config: Config, runDirectory: string): void {
  const file = join(runDirectory, CONFIG_FILE);
  const text = withChecksum(HEADER + formatConfig(config));
  makeFolder(dirname(file));
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) replaceFileSync(file, text);
}

/**
 * The path of the resolved configuration of a run.
 *
 * @throws UsageError `no-run` if there is none
 */
export function resolvedConfigFile(runDirectory: string): string {
  const file = join(runDirectory, CONFIG_FILE);
  if (existsSync(file)) return file;
  throw new UsageError('no-run', `is not a run directory: it has no ${CONFIG_FILE}.`, {
    place: { file: runDirectory },
    hint: 'Train a model first (s2s train), or name the directory of a trained model.',
  });
}

/**
 * Reads the configuration that a run was trained with. Missing settings get their defaults.
 *
 * @throws UsageError `no-run` if there is none; ConfigError if it is invalid
 */
export function readResolvedConfig(runDirectory: string): Config {
  const document = readConfigDocument(resolvedConfigFile(runDirectory));
  const problems: Problem[] = [];
  const report: Report = (path, problem) =>
    void problems.push({ ...problem, place: { ...document.locate(path), key: formatKey(path) } });
  // Variables were substituted before saving: this only removes the escapes.
  const value = upgradeConfig(substituteVariables(document.value, {}, report));
  const parsed = configSchema.safeParse(value);
  if (parsed.success && problems.length === 0) return { ...parsed.data, runDirectory };
  for (const issue of parsed.error?.issues ?? []) reportIssue(issue, value, report);
  throw new ConfigError(problems);
}
