import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Choice } from '../auto/choices.js';
import { fillFrom } from '../auto/fill.js';
import { ASSUMED_FACTS, resolveConfig } from '../auto/resolve.js';
import type { DeviceKind } from '../auto/rules.js';
import { assertConsistent } from '../config/checks.js';
import type { LoadedConfig } from '../config/file-schema.js';
import { CONFIG_FILE, readResolvedConfig } from '../config/save.js';
import type { Config } from '../config/schema.js';
import { countTrainingText, hasTokenizerDirectory, tokenizerDirectory } from '../data/vocabulary.js';
import { readVocabularyFiles } from '../text/vocabulary-record.js';

/** A configuration with a value for every setting, and what was chosen for those that were `auto`. */
export interface ChosenSettings {
  readonly config: Config;
  readonly choices: readonly Choice[];
  /** Whether the training text was counted; a pipe cannot be, because it can be read only once. */
  readonly counted: boolean;
}

/**
 * Counts the training text, if a setting is `auto`, and chooses its value. The same text, settings and kind of device
 * give the same values.
 *
 * @param options.fineTuning whether training starts from a trained model
 * @throws ConfigError if the values that are given contradict each other; and the errors of `readPairs`
 */
export async function chooseSettings(
  given: LoadedConfig,
  device: DeviceKind,
  options: { readonly fineTuning?: boolean } = {},
): Promise<ChosenSettings> {
  const assumed = resolveConfig(given, ASSUMED_FACTS, device, options);
  const facts = assumed.choices.length === 0 ? undefined : await countTrainingText(given);
  const { config, choices } = facts === undefined ? assumed : resolveConfig(given, facts, device, options);
  assertConsistent(config);
  return { config, choices, counted: facts !== undefined };
}

/** The settings of a training that resumes a run: those of the run where the configuration has `auto`. */
export function resumedSettings(given: LoadedConfig): Config {
  const { config } = resolveConfig(fillFrom(given, readResolvedConfig(given.runDirectory)), ASSUMED_FACTS, 'cpu');
  assertConsistent(config);
  return config;
}

/** A configuration with the model and the tokenizer of another run where it has `auto`. */
export function withModelOf(given: LoadedConfig, run: string): LoadedConfig {
  if (!existsSync(join(run, CONFIG_FILE))) return given;
  return fillFrom(given, readResolvedConfig(run), ['tokenizer', 'model']);
}

/** A configuration with the vocabulary size of the tokenizers in `tokenizer.directory` where it has `auto`. */
export function withExistingVocabulary(given: LoadedConfig): LoadedConfig {
  const { tokenizer } = given;
  if (tokenizer.size !== 'auto' || !hasTokenizerDirectory(given)) return given;
  const { record } = readVocabularyFiles(tokenizerDirectory(given));
  const size = record?.tokenizers[tokenizer.shared ? 'shared' : 'source']?.settings.size;
  return size === undefined ? given : { ...given, tokenizer: { ...tokenizer, size } };
}
