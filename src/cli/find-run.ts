import { resolve } from 'node:path';
import { lastRun } from '../checkpoint/last-run.js';
import { UsageError } from '../errors.js';

/**
 * The run directory that a command is to use, for every command alike: what the command line names first, then the
 * environment, then what was trained last. In this order: --model, the folder of --config, `S2S_MODEL`, the run last
 * trained from the working directory.
 *
 * @param model value of --model
 * @param configured folder that the configuration of --config names; undefined without --config
 * @returns an absolute path, or undefined when none of these names one
 */
export async function findRunIfAny(
  model: string | undefined,
  configured: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  // An empty variable counts as not set, as in a shell.
  const named = model ?? configured ?? (environment['S2S_MODEL'] || undefined) ?? (await lastRun());
  return named === undefined ? undefined : resolve(named);
}

/**
 * The same for commands that need a model.
 *
 * @throws UsageError `no-model` when none is named
 */
export async function findRun(
  model: string | undefined,
  configured: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const found = await findRunIfAny(model, configured, environment);
  if (found !== undefined) return found;
  throw new UsageError('no-model', 'No model was named, and none has been trained from this folder.', {
    hint: 'Name the run directory of a training: --model DIR, or --config FILE, or S2S_MODEL=DIR. s2s train trains one.',
  });
}
