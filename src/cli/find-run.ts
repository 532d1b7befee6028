import { resolve } from 'node:path';
import { readLastRun } from '../checkpoint/last-run.js';
import { UsageError } from '../errors.js';

/**
 * Finds the run directory of a command: --model, else the run directory of --config, else `S2S_MODEL`, else the run
 * that was last trained from the working directory.
 *
 * @param model value of --model
 * @param configured run directory of the configuration; undefined without --config
 * @returns an absolute path, or undefined if there is none
 */
export async function findRunIfAny(
  model: string | undefined,
  configured: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  // An empty variable counts as unset.
  const named = model ?? configured ?? (environment['S2S_MODEL'] || undefined) ?? (await readLastRun());
  return named === undefined ? undefined : resolve(named);
}

/** @throws UsageError `no-model` if there is no run directory */
export async function findRun(
  model: string | undefined,
  configured: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const found = await findRunIfAny(model, configured, environment);
  if (found !== undefined) return found;
  throw new UsageError('no-model', 'No model was given, and none has been trained from this directory.', {
    hint: 'Name a run directory with --model DIR, --config FILE or S2S_MODEL=DIR, or train a model with s2s train.',
  });
}
