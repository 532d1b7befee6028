import { readIndex } from '../checkpoint/checkpoint-index.js';
import type { Config } from '../config/schema.js';
import {
  configVocabularyState,
  isTokenizerNamed,
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
  /** Whether files may be replaced that s2s did not write, or that a trained model or another run may need. */
  readonly force?: boolean;
}

/**
 * Learns the tokenizers of a configuration from its training corpora and writes them into `tokenizer.directory`, or the
 * run directory. Without `force`, no file changes there that s2s did not write or that a run may need: in a folder that
 * holds checkpoints or is named by `tokenizer.directory`, existing tokenizers stay as they are.
 *
 * @throws S2sError `run-exists`, `tokenizer-foreign` or `tokenizer-kept` (exit code 2) where files are in the way; and
 *   what reading the corpora throws
 */
export async function buildConfigVocabulary(
  config: Config,
  onEvent?: (event: VocabularyEvent) => void,
  { force = false }: BuildVocabularyOptions = {},
): Promise<VocabularyReport> {
  return learnConfigVocabulary(config, force ? 'any' : await assertBuildable(config), onEvent);
}

/**
 * Checks, before the corpora are read, that the vocabulary of a configuration can be learned without `force`.
 *
 * @returns what may be replaced
 * @throws S2sError as `buildConfigVocabulary` does
 */
export async function assertBuildable(config: Config, found?: VocabularyState): Promise<Replaceable> {
  const directory = tokenizerDirectory(config);
  const { state } = found ?? (await configVocabularyState(config));
  const step = await trainedStep(directory);
  if (step !== undefined && state !== 'current') {
    const problem = `holds a model trained up to step ${step}, which another vocabulary would make useless`;
    throw new S2sError('run-exists', problem, {
      place: { file: directory },
      hint:
        'Choose another folder (--run-dir DIR or --set tokenizer.directory=DIR). To train with the tokenizer of that ' +
        'model, name its folder in tokenizer.directory and set tokenizer.shared as it was there. ' +
        's2s build-vocab --force replaces the vocabulary and gives the model up.',
      exitCode: 2,
    });
  }
  const named = isTokenizerNamed(config);
  const replace = named || step !== undefined ? 'none' : 'own';
  // A stale tokenizer is going to change; a missing one may leave the others as they are.
  const mayStay = state === 'stale' ? [] : learnSettingsByRole(config.tokenizer).map(([role]) => role);
  assertReplaceable(directory, replace, mayStay);
  return replace;
}

/** The step of the last checkpoint in a folder; undefined when it holds none. */
export async function trainedStep(directory: string): Promise<number | undefined> {
  return (await readIndex(directory)).checkpoints.at(-1)?.step;
}
