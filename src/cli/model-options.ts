import type { Argv } from 'yargs';
import type { WhichCheckpoint } from '../checkpoint/checkpoint-index.js';
import type { LoadedConfig } from '../config/file-schema.js';
import { UsageError } from '../errors.js';
import { configFromArguments, withDeviceOption, type CommonArguments } from './options.js';

export interface ModelArguments extends CommonArguments {
  readonly model: string | undefined;
  readonly checkpoint: string | undefined;
  readonly device: string | undefined;
  readonly beamSize: number | undefined;
}

export function withModelOptions<T>(yargs: Argv<T>): Argv<T & ModelArguments> {
  return withDeviceOption(yargs)
    .option('model', {
      alias: 'm',
      type: 'string',
      requiresArg: true,
      describe:
        'Run directory of a trained model; defaults to that of --config, $S2S_MODEL, or the last run trained in this ' +
        'directory',
    })
    .option('checkpoint', {
      type: 'string',
      defaultDescription: 'best',
      requiresArg: true,
      describe: 'Checkpoint: best, last, or the number of its step',
    })
    .option('beam-size', {
      alias: 'b',
      type: 'number',
      requiresArg: true,
      describe: 'Beam size; 1 is greedy search (decoding.beamSize)',
    }) as unknown as Argv<T & ModelArguments>;
}

/** The model of a command line. */
export interface FoundModel {
  readonly runDirectory: string;
  readonly which: WhichCheckpoint;
  /** The configuration of --config, else of the run, with the options of the command line applied. */
  readonly config: LoadedConfig;
}

/**
 * Finds the model of a command line, without loading it. Data files need not exist.
 *
 * @param options.readsData whether the command reads corpora of the configuration
 * @throws UsageError if there is no model, or its directory is not a run directory; ConfigError
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
    // The directory may have been moved or copied after training.
    config: given ?? {
      ...withAnyDevice(await loadSettings(args, resolvedConfigFile(runDirectory), readsData), args),
      runDirectory,
    },
  };
}

/** A model trained on a GPU can be used without one, unless --device requires it. */
function withAnyDevice(config: LoadedConfig, { device }: ModelArguments): LoadedConfig {
  return device === undefined && config.device !== 'cpu' ? { ...config, device: 'auto' } : config;
}

function loadSettings(args: ModelArguments, file: string, readsData: boolean): Promise<LoadedConfig> {
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
