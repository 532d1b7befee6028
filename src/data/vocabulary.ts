import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Config } from '../config/schema.js';
import { buildVocabulary, type VocabularyEvent, type VocabularyReport } from '../text/build.js';
import { vocabularyState, type Replaceable, type VocabularyState } from '../text/vocabulary-file.js';
import { contentHashes } from './content-hash.js';
import { corpusFiles, corpusFormat } from './corpus.js';
import { openSplit } from './split.js';
import { assertVocabularyFiles } from './training-files.js';

/** Folder of the tokenizer files; the run directory by default. */
export function tokenizerDirectory(config: Config): string {
  return config.tokenizer.directory ?? config.runDirectory;
}

/** Whether `tokenizer.directory` differs from the run directory, so that training copies the tokenizers from it. */
export function hasTokenizerDirectory(config: Config): boolean {
  return path.resolve(tokenizerDirectory(config)) !== path.resolve(config.runDirectory);
}

/** Whether the tokenizers exist and match the settings and training text; if not, why. */
export async function configVocabularyState(config: Config): Promise<VocabularyState> {
  return vocabularyState(tokenizerDirectory(config), config.tokenizer, await trainingTextKey(config));
}

/**
 * Learns the tokenizers of a configuration from its training corpora and writes them.
 * @throws S2sError see `readPairs` and `buildVocabulary`
 */
export async function learnConfigVocabulary(
  config: Config,
  replace: Replaceable,
  onEvent?: (event: VocabularyEvent) => void,
): Promise<VocabularyReport> {
  await assertVocabularyFiles(config);
  return buildVocabulary({
    settings: config.tokenizer,
    directory: tokenizerDirectory(config),
    train: (await openSplit(config, 'train')).read(),
    dev: (await openSplit(config, 'dev')).read(),
    trainingText: await trainingTextKey(config),
    replace,
    onEvent,
  });
}

/**
 * Hash of the content and format of the training corpora, and of the pairs held out from them; paths and weights are
 * not part of it.
 */
async function trainingTextKey(config: Config): Promise<string> {
  const files = config.data.train.flatMap(corpusFiles);
  const hashes = await contentHashes(files, config.data.cacheDirectory ?? path.join(config.runDirectory, 'cache'));
  // The content of a pipe is unknown before reading, so it always counts as changed.
  if (hashes === undefined) return `unknown ${Date.now()}`;
  const remaining = [...hashes];
  const corpora = config.data.train.map((corpus) => ({
    content: remaining.splice(0, corpusFiles(corpus).length),
    format: corpusFormat(corpus),
    columns: [corpus.sourceColumn, corpus.targetColumn, corpus.header, corpus.delimiter, corpus.quote],
  }));
  const { selection } = await openSplit(config, 'train');
  return createHash('sha256')
    .update(JSON.stringify(selection === undefined ? corpora : { corpora, selection }))
    .digest('hex');
}
