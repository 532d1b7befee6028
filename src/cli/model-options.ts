import type { Argv } from 'yargs';
import type { WhichCheckpoint } from '../checkpoint/checkpoint-index.js';
import type { Config } from '../config/schema.js';
import { UsageError } from '../errors.js';
import { configFromArguments, withDeviceOption, type CommonArguments } from './options.js';

/** Options of the commands that use a trained model. */
export interface ModelArguments extends CommonArguments {
  readonly model: string | undefined;
  readonly checkpoint: string | undefined;
  readonly device: string | undefined;
  readonly beamSize: number | undefined;
}

/** Adds the options that say which model is used, and how. */
export function withModelOptions<T>(yargs: Argv<T>): Argv<T & ModelArguments> {
  return withDeviceOption(yargs)
    .option('model', {
      alias: 'm',
      type: 'string',
      requiresArg: true,
      describe:
        'Run directory of a trained model; else that of --config, else $S2S_MODEL, else the last run trained here',
    })
    .option('checkpoint', {
      type: 'string',
      defaultDescription: 'best',
      requiresArg: true,
      describe: 'Which checkpoint: best, last, or the number of its step',
    })
    .option('beam-size', {
      alias: 'b',
      type: 'number',
      requiresArg: true,
      describe: 'Hypotheses kept a step; 1 is greedy (decoding.beamSize)',
    }) as unknown as Argv<T & ModelArguments>;
}

/** The model that a command line means. */
export interface FoundModel {
  readonly runDirectory: string;
  readonly which: WhichCheckpoint;
  /** The configuration of --config, else the one saved with the model; the flags of the command line are in it. */
  readonly config: Config;
}

/**
 * Finds the model that a command line means, without loading it. Data files need not be there.
 *
 * @param options.readsData whether corpora of the configuration will be read
 * @throws UsageError when none is named, or its folder holds no configuration; ConfigError
 */
export async function findModel(args: ModelArguments, { readsData }: { readsData: boolean }): Promise<FoundModel> {
  const which = checkpointOf(args.checkpoint ?? 'best');
  const { findRun } = await import('./find-run.js');
  const { resolvedConfigFile } = await import('../config/save.js');
  const given = args.config === undefined ? undefined : await loadSettings(args, args.config, readsData);
  const runDirectory = await findRun(args.model, given?.runDirectory);
  return {
    runDirectory,
    which,
    config: given ?? withAnyDevice(await loadSettings(args, resolvedConfigFile(runDirectory), readsData), args),
  };
}

/** Where a model was trained is not where it must translate: only who asks for a GPU now is told that there is none. */
function withAnyDevice(config: Config, { device }: ModelArguments): Config {
  return device === undefined && config.device !== 'cpu' ? { ...config, device: 'auto' } : config;
}

function loadSettings(args: ModelArguments, file: string, readsData: boolean): Promise<Config> {
  return configFromArguments(
    { ...args, config: file },
    { device: args.device, 'decoding.beamSize': args.beamSize },
    { checkFiles: false, readsData },
  );
}

function checkpointOf(text: string): WhichCheckpoint {
  if (text === 'best' || text === 'last') return text;
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(
    'usage',
    `--checkpoint must be best, last or the number of a step, but is ${JSON.stringify(text)}.`,
  );
}
