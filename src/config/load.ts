import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { UsageError, type Place } from '../errors.js';
import { checkConfig } from './checks.js';
import { readConfigDocument, type ConfigDocument } from './document.js';
import { fillFromEnvironment, startsFromEnvironment } from './environment.js';
import { keysAt } from './keys.js';
import { nearest } from './nearest.js';
import { makePathsAbsolute } from './paths.js';
import { ConfigError, formatKey, type Problem } from './problems.js';
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
  const { file, environment = process.env, checkFiles = true } = options;
  if (file === undefined) {
    throw new UsageError('no-config', 'No configuration was given.', { hint: 'Name one: --config FILE. configs/ holds examples; s2s config --schema describes every key.' });
  }
  const document = readConfigDocument(file);
  const settings: Setting[] = [
    ...(options.set ?? []).map(parseSetting),
    ...Object.entries(options.overrides ?? {}).flatMap(([key, value]) => (value === undefined ? [] : [{ path: key.split('.'), value }])),
  ];
  const merged = settings.reduce(withSetting, document.value ?? {});
  return validate(merged, { document, settings, environment, checkFiles });
}

interface Origin {
  readonly document: ConfigDocument;
  readonly settings: readonly Setting[];
  readonly environment: NodeJS.ProcessEnv;
  readonly checkFiles: boolean;
}

function validate(merged: unknown, { document, settings, environment, checkFiles }: Origin): Config {
  const problems: Problem[] = [];
  const isSet = (path: readonly PropertyKey[]): boolean => settings.some((setting) => setting.path.every((part, index) => index >= path.length || String(part) === String(path[index])));
  const placeOf = (path: readonly PropertyKey[]): Place => ({ ...(isSet(path) ? { file: '--set' } : document.locate(path)), key: formatKey(path) });
  const report = (path: readonly PropertyKey[], problem: Omit<Problem, 'place'>): void => void problems.push({ ...problem, place: placeOf(path) });

  const filled = fillFromEnvironment(merged, environment, report);
  const parsed = configSchema.safeParse(filled);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) reportIssue(issue, filled, report);
    throw new ConfigError(problems);
  }
  const config = parsed.data;
  makePathsAbsolute(config, (path) => {
    const written = path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], merged);
    return isSet(path) || startsFromEnvironment(written) ? process.cwd() : dirname(resolve(document.file));
  });
  checkConfig(config, { report, checkFiles });
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** Says a problem that the schema found in the user's terms. */
function reportIssue(issue: z.core.$ZodIssue, value: unknown, report: (path: readonly PropertyKey[], problem: Omit<Problem, 'place'>) => void): void {
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      const known = keysAt(issue.path);
      const meant = nearest(key, known);
      report([...issue.path, key], { message: 'is not a setting.', hint: meant === undefined ? `There are: ${known.join(', ')}.` : `Did you mean ${formatKey([...issue.path, meant])}?` });
    }
    return;
  }
  const found = issue.path.reduce<unknown>((holder, part) => (holder as Record<PropertyKey, unknown> | null | undefined)?.[part], value);
  report(issue.path, { message: `${describe(issue, found)}${found === undefined ? '' : `, but is ${JSON.stringify(found)}`}.`, hint: suggestion(issue, found) });
}

function describe(issue: z.core.$ZodIssue, found: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      if (found === undefined) return 'is required';
      return `must be ${article(issue.expected)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.origin === 'array' || issue.origin === 'string') return `must not be ${Number(issue.minimum) > 1 ? `shorter than ${issue.minimum}` : 'empty'}`;
      return `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return `must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
    case 'invalid_format':
      return issue.message;
    default:
      return issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  }
}

function article(expected: string): string {
  const names: Record<string, string> = { int: 'a whole number', number: 'a number', string: 'a text', boolean: 'true or false', array: 'a list', object: 'a group of keys' };
  return names[expected] ?? expected;
}

function suggestion(issue: z.core.$ZodIssue, found: unknown): string | undefined {
  if (issue.code !== 'invalid_value' || typeof found !== 'string') return undefined;
  const meant = nearest(found, issue.values.map(String));
  return meant === undefined ? undefined : `Did you mean ${meant}?`;
}
