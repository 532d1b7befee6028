import { dirname, resolve } from 'node:path';
import { UsageError, type Place } from '../errors.js';
import { checkConfig } from './checks.js';
import { readConfigDocument, type ConfigDocument } from './document.js';
import { startsWithVariable, substituteVariables } from './environment.js';
import { applyOverride, parseOverride, type Override } from './overrides.js';
import { upgradeConfig } from './model.js';
import { makePathsAbsolute, tildePaths } from './paths.js';
import { ConfigError, formatKey, reportIssue, type Problem, type Report } from './problems.js';
import { configFileSchema, type LoadedConfig } from './file-schema.js';

export { ConfigError } from './problems.js';
export { readResolvedConfig, saveResolvedConfig } from './save.js';

/** Sources of a configuration, in increasing priority: `file`, `set`, `overrides`. */
export interface LoadOptions {
  readonly file?: string | undefined;
  /** `key.path=value`, as in `--set`. */
  readonly set?: readonly string[] | undefined;
  /** Values of command-line options by dotted key; undefined values are ignored. */
  readonly overrides?: Readonly<Record<string, unknown>>;
  readonly environment?: NodeJS.ProcessEnv;
  /** Whether data files must exist; true by default. */
  readonly checkFiles?: boolean;
  /** Whether environment variables in `data` must be set; true by default. */
  readonly readsData?: boolean;
}

/**
 * Loads, completes and validates a configuration. Settings that depend on the text and are not given are `auto`;
 * `openTraining` chooses their values.
 *
 * Relative paths are relative to the directory of the file, but paths from the command line, and paths that start with
 * an environment variable, are relative to the working directory.
 *
 * @throws ConfigError with all problems, each with file, line and key
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { file, environment = process.env, checkFiles = true, readsData = true } = options;
  if (file === undefined) {
    throw new UsageError('no-config', 'No configuration was given.', {
      hint: 'Name one: --config FILE. configs/ has examples; s2s config --schema describes all settings.',
    });
  }
  const document = readConfigDocument(file);
  const overrides: Override[] = [
    ...(options.set ?? []).map(parseOverride),
    ...Object.entries(options.overrides ?? {}).flatMap(([key, value]) =>
      value === undefined ? [] : [{ path: key.split('.'), value, origin: 'command line' }],
    ),
  ];
  const problems: Problem[] = [];
  const merged = overrides.reduce((value, override) => {
    const report: Report = (path, problem) =>
      void problems.push({ ...problem, place: { file: override.origin, key: formatKey(path) } });
    return applyOverride(value, override, report);
  }, document.value);
  return validate(upgradeConfig(merged ?? {}), { document, overrides, environment, checkFiles, readsData, problems });
}

interface ValidationContext {
  readonly document: ConfigDocument;
  readonly overrides: readonly Override[];
  readonly environment: NodeJS.ProcessEnv;
  readonly checkFiles: boolean;
  readonly readsData: boolean;
  /** Problems found so far. */
  readonly problems: Problem[];
}

function validate(merged: unknown, context: ValidationContext): LoadedConfig {
  const { document, overrides, environment, checkFiles, readsData, problems } = context;
  const placeOf = (path: readonly PropertyKey[]): Place => {
    const origin = originOf(path, overrides, document.value);
    return { ...(origin === undefined ? document.locate(path) : { file: origin }), key: formatKey(path) };
  };
  // A value with an unset variable or a tilde would also fail the other checks: only that is reported.
  const unusable = new Set<string>();
  const report: Report = (path, problem) => {
    if (!unusable.has(formatKey(path))) problems.push({ ...problem, place: placeOf(path) });
  };

  const substituted = substituteVariables(merged, environment, (path, problem) => {
    unusable.add(formatKey(path));
    if (readsData || path[0] !== 'data') problems.push({ ...problem, place: placeOf(path) });
  });
  for (const { path, text } of tildePaths(substituted)) {
    if (readsData || path[0] !== 'data') report(path, describeTilde(text));
    unusable.add(formatKey(path));
  }
  const makeAbsolute = (value: unknown): void =>
    makePathsAbsolute(value, (path) => {
      const fromWorkingDirectory =
        originOf(path, overrides, document.value) !== undefined || startsWithVariable(valueAt(merged, path));
      return fromWorkingDirectory ? process.cwd() : dirname(resolve(document.file));
    });
  makeAbsolute(substituted);
  const parsed = configFileSchema.safeParse(substituted);
  for (const issue of parsed.error?.issues ?? []) reportIssue(issue, substituted, report);
  checkConfig(substituted, { report, checkFiles });
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  // Again, for the default paths.
  makeAbsolute(parsed.data);
  return parsed.data;
}

function describeTilde(text: string): Omit<Problem, 'place'> {
  const user = /^~([^/]*)/.exec(text)![1]!;
  const hint = user === '' ? `Write "\${HOME}${text.slice(1)}", with the quotes.` : 'Write the whole path.';
  return { message: `~ means nothing in a configuration: ${text}.`, hint };
}

/** The origin of the last override that determines the value at a path; undefined if the value is from the file. */
function originOf(
  path: readonly PropertyKey[],
  overrides: readonly Override[],
  fileValue: unknown,
): string | undefined {
  const startsWith = (whole: readonly PropertyKey[], start: readonly PropertyKey[]): boolean =>
    start.every((part, index) => String(part) === String(whole[index]));
  const override = overrides.findLast((candidate) => startsWith(path, candidate.path));
  if (override !== undefined) return override.origin;
  // A mapping that is not in the file was created by an override inside it.
  return valueAt(fileValue, path) === undefined
    ? overrides.findLast((candidate) => startsWith(candidate.path, path))?.origin
    : undefined;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (holder, part) => (holder as Record<PropertyKey, unknown> | null | undefined)?.[part],
    value,
  );
}
