import type { Argv } from 'yargs';
import type { LoadedConfig } from '../config/file-schema.js';
import { UsageError } from '../errors.js';
import { LOG_LEVELS, type LogLevel } from './log.js';

/** Options of all commands. */
export interface CommonArguments {
  readonly config: string | undefined;
  readonly set: readonly string[] | undefined;
  readonly seed: number | undefined;
  readonly logLevel: LogLevel;
  readonly debug: boolean;
}

/** The files of commands that read text. */
export const FILES_ARGUMENT = {
  type: 'string',
  array: true,
  describe: 'Text files with one sentence per line, plain or gzipped; - or no file is stdin',
} as const;

/** Options of all commands that report on stderr, whether or not they read a configuration. */
export const LOG_OPTIONS = {
  'log-level': {
    choices: LOG_LEVELS,
    default: 'info' as LogLevel,
    requiresArg: true,
    describe: 'Verbosity of the log on stderr',
    group: 'Common:',
  },
  debug: {
    type: 'boolean',
    default: false,
    describe: 'Show stack traces of errors',
    group: 'Common:',
  },
} as const;

export function withCommonOptions<T>(yargs: Argv<T>): Argv<T & CommonArguments> {
  return yargs
    .option('config', {
      alias: 'c',
      type: 'string',
      requiresArg: true,
      describe: 'Configuration file (YAML or JSON)',
      group: 'Common:',
    })
    .option('set', {
      type: 'string',
      array: true,
      nargs: 1,
      requiresArg: true,
      describe: 'Override a setting: key.path=value (repeatable)',
      group: 'Common:',
    })
    .option('seed', { type: 'number', requiresArg: true, describe: 'Random seed', group: 'Common:' })
    .options(LOG_OPTIONS) as unknown as Argv<T & CommonArguments>;
}

/** @param more text after the description of the values */
export function withDeviceOption<T>(yargs: Argv<T>, more = ''): Argv<T & { readonly device: string | undefined }> {
  return yargs.option('device', {
    type: 'string',
    requiresArg: true,
    describe: `Device: auto, cpu, gpu or gpu:N${more}`,
    group: 'Common:',
  }) as unknown as Argv<T & { readonly device: string | undefined }>;
}

/**
 * Loads the configuration of --config, with --set and --seed applied.
 *
 * @param overrides values of other options, by dotted key
 */
export async function configFromArguments(
  args: CommonArguments,
  overrides: Readonly<Record<string, unknown>> = {},
  options: { checkFiles?: boolean; readsData?: boolean } = {},
): Promise<LoadedConfig> {
  const { loadConfig } = await import('../config/load.js');
  return loadConfig({ file: args.config, set: args.set, overrides: { seed: args.seed, ...overrides }, ...options });
}

/**
 * Loads the configuration of --config, if given, for commands that do not read data: data files need not exist.
 *
 * @throws UsageError for --set without --config
 */
export async function configIfGiven(args: CommonArguments): Promise<LoadedConfig | undefined> {
  if (args.config !== undefined) return configFromArguments(args, {}, { checkFiles: false, readsData: false });
  if (args.set !== undefined)
    throw new UsageError('usage', '--set requires --config.', {
      hint: 'Name a configuration with --config, or remove --set.',
    });
  return undefined;
}
