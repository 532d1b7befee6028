import { readIndex } from '../checkpoint/checkpoint-index.js';
import type { Config } from '../config/schema.js';
import { prepareHeldOut } from '../data/held-out.js';
import {
  configVocabularyState,
  hasTokenizerDirectory,
  learnConfigVocabulary,
  tokenizerDirectory,
} from '../data/vocabulary.js';
import { S2sError } from '../errors.js';
import type { VocabularyEvent, VocabularyReport } from '../text/build.js';
import {
  assertReplaceable,
  learnSettingsByRole,
  type Replaceable,
  type VocabularyState,
} from '../text/vocabulary-file.js';

export interface BuildVocabularyOptions {
  /** Replaces files that s2s did not write or that a trained model or another run may need. Default: false. */
  readonly force?: boolean;
}

/**
 * Learns the tokenizers of a configuration from its training corpora and writes them to `tokenizer.directory`, or to
 * the run directory if that is not set. Without `force`, existing tokenizers are not replaced in a directory that
 * contains checkpoints or is named by `tokenizer.directory`, nor are files that s2s did not write.
 *
 * @throws S2sError `run-exists`, `tokenizer-foreign` or `tokenizer-kept` (exit code 2) if such files exist; and the
 *   errors of reading the corpora
 */
export async function buildConfigVocabulary(
  config: Config,
  onEvent?: (event: VocabularyEvent) => void,
  { force = false }: BuildVocabularyOptions = {},
): Promise<VocabularyReport> {
  await prepareHeldOutOfNewRun(config);
  return learnConfigVocabulary(config, force ? 'any' : await assertCanBuildVocabulary(config), onEvent);
}

/**
 * Checks that the vocabulary of a configuration can be written without `force`, before the corpora are read.
 *
 * @returns which files may be replaced
 * @throws S2sError like `buildConfigVocabulary`
 */
export async function assertCanBuildVocabulary(config: Config, found?: VocabularyState): Promise<Replaceable> {
  const directory = tokenizerDirectory(config);
  const { state } = found ?? (await configVocabularyState(config));
  const step = await lastCheckpointStep(directory);
  if (step !== undefined && state !== 'current') {
    const problem = `contains a model trained up to step ${step}, which cannot be used with another vocabulary`;
    throw new S2sError('run-exists', problem, {
      place: { file: directory },
      hint:
        'Choose another directory (--run-dir DIR or --set tokenizer.directory=DIR). To train with the tokenizer of ' +
        'that model, set tokenizer.directory to its directory and tokenizer.shared to its value there. ' +
        's2s build-vocab --force replaces the vocabulary and makes the model unusable.',
      exitCode: 2,
    });
  }
  const named = hasTokenizerDirectory(config);
  const replace = named || step !== undefined ? 'none' : 'own';
  // A stale vocabulary is replaced completely; if only one tokenizer is missing, the other is kept.
  const mayStay = state === 'stale' ? [] : learnSettingsByRole(config.tokenizer).map(([role]) => role);
  assertReplaceable(directory, replace, mayStay);
  return replace;
}

/**
 * Draws the held-out pairs of a configuration as the next training in its run directory will, see `prepareHeldOut`; a
 * run with checkpoints keeps those that it has.
 */
export async function prepareHeldOutOfNewRun(config: Config): Promise<void> {
  if ((await lastCheckpointStep(config.runDirectory)) === undefined) await prepareHeldOut(config);
}

/** Step of the last checkpoint in a run directory; undefined if there is none. */
export async function lastCheckpointStep(directory: string): Promise<number | undefined> {
  return (await readIndex(directory)).checkpoints.at(-1)?.step;
}
