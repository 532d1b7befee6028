import type { Argv } from 'yargs';
import type { Config } from '../config/schema.js';
import { UsageError } from '../errors.js';
import { LOG_LEVELS, type LogLevel } from './log.js';

/** Options that every command has. */
export interface CommonArguments {
  readonly config: string | undefined;
  readonly set: readonly string[] | undefined;
  readonly seed: number | undefined;
  readonly logLevel: LogLevel;
  readonly debug: boolean;
}

/** Adds the options that every command has. */
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
      describe: 'Change a setting: key.path=value (repeatable)',
      group: 'Common:',
    })
    .option('seed', { type: 'number', requiresArg: true, describe: 'Seed of all randomness', group: 'Common:' })
    .option('log-level', {
      choices: LOG_LEVELS,
      default: 'info' as LogLevel,
      requiresArg: true,
      describe: 'How much to say on stderr',
      group: 'Common:',
    })
    .option('debug', {
      type: 'boolean',
      default: false,
      describe: 'Show stack traces of errors',
      group: 'Common:',
    }) as unknown as Argv<T & CommonArguments>;
}

/** The device option of commands that compute; `more` is said after its values. */
export function withDeviceOption<T>(yargs: Argv<T>, more = ''): Argv<T & { readonly device: string | undefined }> {
  return yargs.option('device', {
    type: 'string',
    requiresArg: true,
    describe: `Where to compute: auto, cpu, gpu or gpu:N${more}`,
    group: 'Common:',
  }) as unknown as Argv<T & { readonly device: string | undefined }>;
}

/** Loads the configuration that the options of a command line describe; `overrides` holds flags by dotted key. */
export async function configFromArguments(
  args: CommonArguments,
  overrides: Readonly<Record<string, unknown>> = {},
  options: { checkFiles?: boolean; readsData?: boolean } = {},
): Promise<Config> {
  const { loadConfig } = await import('../config/load.js');
  return loadConfig({ file: args.config, set: args.set, overrides: { seed: args.seed, ...overrides }, ...options });
}

/**
 * The same for commands that do without a configuration, and never read data: its files need not be there.
 *
 * @throws UsageError when there is a setting to change, but nothing that it is in
 */
export async function configIfGiven(args: CommonArguments): Promise<Config | undefined> {
  if (args.config !== undefined) return configFromArguments(args, {}, { checkFiles: false, readsData: false });
  if (args.set !== undefined)
    throw new UsageError('usage', '--set changes a configuration, and none was given.', {
      hint: 'Name it with --config, or leave --set out.',
    });
  return undefined;
}
