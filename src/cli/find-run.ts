import { resolve } from 'node:path';
import { lastRun } from '../checkpoint/last-run.js';
import { UsageError } from '../errors.js';

/**
 * The run directory whose model a command is to use: the one named by --model, else by `S2S_MODEL`, else that of the
 * configuration, else the one last trained from the working directory.
 *
 * @throws UsageError `no-model` when none of these says
 */
export async function findRun(model: string | undefined, configured: string | undefined, environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const named = model ?? (environment['S2S_MODEL'] || undefined) ?? configured ?? (await lastRun());
  if (named !== undefined) return resolve(named);
  throw new UsageError('no-model', 'No model was named, and none has been trained from this folder.', {
    hint: 'Name the run directory of a training: --model DIR, or S2S_MODEL=DIR, or --config FILE. s2s train trains one.',
  });
}
