import { dirname, resolve } from 'node:path';
import { UsageError, type Place } from '../errors.js';
import { checkConfig } from './checks.js';
import { readConfigDocument, type ConfigDocument } from './document.js';
import { fillFromEnvironment, startsFromEnvironment } from './environment.js';
import { reportIssue } from './issues.js';
import { makePathsAbsolute } from './paths.js';
import { ConfigError, formatKey, type Problem, type Report } from './problems.js';
import { configSchema, type Config } from './schema.js';
import { parseSetting, withSetting, type Setting } from './settings.js';

export { ConfigError } from './problems.js';
export { readResolvedConfig, saveResolvedConfig } from './save.js';

/** Where a configuration comes from. Later ones win: file, `set`, `overrides`. */
export interface LoadOptions {
  readonly file?: string | undefined;
  /** `key.path=value`, as `--set` takes them. */
  readonly set?: readonly string[] | undefined;
  /** Values by dotted key, from flags of their own; undefined ones are left out. */
  readonly overrides?: Readonly<Record<string, unknown>>;
  readonly environment?: NodeJS.ProcessEnv;
  /** Whether the data files must exist; true unless said otherwise. */
  readonly checkFiles?: boolean;
  /** Whether the data will be read, so that environment variables in `data` must be set; true unless said otherwise. */
  readonly readsData?: boolean;
}

/**
 * Loads, completes and checks a configuration: the one way in for all commands.
 *
 * Relative paths are relative to the file's folder; those that come from `--set`, from a flag, or that begin with an
 * environment variable are relative to the working directory, where the user typed them.
 *
 * @throws ConfigError with everything that is wrong, each with file, line and key
 */
export function loadConfig(options: LoadOptions): Config {
  const { file, environment = process.env, checkFiles = true, readsData = true } = options;
  if (file === undefined) {
    throw new UsageError('no-config', 'No configuration was given.', {
      hint: 'Name one: --config FILE. configs/ holds examples; s2s config --schema describes every key.',
    });
  }
  const document = readConfigDocument(file);
  const settings: Setting[] = [
    ...(options.set ?? []).map(parseSetting),
    ...Object.entries(options.overrides ?? {}).flatMap(([key, value]) =>
      value === undefined ? [] : [{ path: key.split('.'), value, origin: 'command line' }],
    ),
  ];
  const problems: Problem[] = [];
  const merged = settings.reduce((value, setting) => {
    return withSetting(
      value,
      setting,
      (path, problem) => void problems.push({ ...problem, place: { file: setting.origin, key: formatKey(path) } }),
    );
  }, document.value);
  return validate(merged ?? {}, { document, settings, environment, checkFiles, readsData, problems });
}

interface Origin {
  readonly document: ConfigDocument;
  readonly settings: readonly Setting[];
  readonly environment: NodeJS.ProcessEnv;
  readonly checkFiles: boolean;
  readonly readsData: boolean;
  /** Found so far. */
  readonly problems: Problem[];
}

function validate(
  merged: unknown,
  { document, settings, environment, checkFiles, readsData, problems }: Origin,
): Config {
  const placeOf = (path: readonly PropertyKey[]): Place => {
    const origin = originOf(path, settings, document.value);
    return { ...(origin === undefined ? document.locate(path) : { file: origin }), key: formatKey(path) };
  };
  const unset = new Set<string>();
  // A text that lacks its variable is wrong in every other way, too: once is enough.
  const report: Report = (path, problem) => {
    if (!unset.has(formatKey(path))) problems.push({ ...problem, place: placeOf(path) });
  };

  const filled = fillFromEnvironment(merged, environment, (path, problem) => {
    unset.add(formatKey(path));
    if (readsData || path[0] !== 'data') problems.push({ ...problem, place: placeOf(path) });
  });
  const absolute = (value: unknown): void =>
    makePathsAbsolute(value, (path) => {
      const typed =
        originOf(path, settings, document.value) !== undefined || startsFromEnvironment(valueAt(merged, path));
      return typed ? process.cwd() : dirname(resolve(document.file));
    });
  absolute(filled);
  const parsed = configSchema.safeParse(filled);
  for (const issue of parsed.error?.issues ?? []) reportIssue(issue, filled, report);
  checkConfig(filled, { report, checkFiles });
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  // Once more, for the defaults.
  absolute(parsed.data);
  return parsed.data;
}

/** What on the command line gave the value at a path, the last winning; undefined where it comes from the file. */
function originOf(path: readonly PropertyKey[], settings: readonly Setting[], inFile: unknown): string | undefined {
  const beginsWith = (whole: readonly PropertyKey[], start: readonly PropertyKey[]): boolean =>
    start.every((part, index) => String(part) === String(whole[index]));
  const own = settings.findLast((setting) => beginsWith(path, setting.path));
  if (own !== undefined) return own.origin;
  // A group that only settings inside it brought about.
  return valueAt(inFile, path) === undefined
    ? settings.findLast((setting) => beginsWith(setting.path, path))?.origin
    : undefined;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (holder, part) => (holder as Record<PropertyKey, unknown> | null | undefined)?.[part],
    value,
  );
}
