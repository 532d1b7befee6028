import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CHECKPOINTS } from '../checkpoint/checkpoint-index.js';
import { readLastRun } from '../checkpoint/last-run.js';
import { CONFIG_FILE } from '../config/save.js';
import { UsageError } from '../errors.js';
import { shellQuote } from '../shell-quote.js';

/**
 * Finds the run directory of a command: --model, else the run directory of --config, else `S2S_MODEL`, else the run
 * that was last trained from the working directory.
 *
 * @param model value of --model
 * @param configured run directory of the configuration; undefined without --config
 * @returns an absolute path, or undefined if there is none
 * @throws UsageError `no-run` if it is a folder or file in a run directory
 */
export async function findRunIfAny(
  model: string | undefined,
  configured: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  // An empty variable counts as unset.
  const named = model ?? configured ?? (environment['S2S_MODEL'] || undefined) ?? (await readLastRun());
  if (named === undefined) return undefined;
  assertNotInside(named);
  return resolve(named);
}

/** Rejects the path of a checkpoint, or of another part of a run directory, with the options that are meant. */
function assertNotInside(named: string): void {
  if (existsSync(join(named, CONFIG_FILE))) return;
  let run = named;
  let step: number | undefined;
  // A file in a checkpoint is three levels deep.
  for (let level = 0; level < 3; level++) {
    step ??= Number(/^step-(\d+)$/.exec(basename(run))?.[1] ?? NaN) || undefined;
    run = dirname(run);
    if (!existsSync(join(run, CONFIG_FILE)) || !existsSync(join(run, CHECKPOINTS))) continue;
    throw new UsageError('no-run', `is a ${step === undefined ? 'part' : 'checkpoint'} of the run ${run}`, {
      place: { file: named },
      hint: `Use: --model ${shellQuote(run)}${step === undefined ? '' : ` --checkpoint ${step}`}`,
    });
  }
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
