import { createHash } from 'node:crypto';
import path from 'node:path';
import type { TextConfig } from '../config/hold-out.js';
import type { Config } from '../config/schema.js';
import { buildVocabulary, type VocabularyEvent, type VocabularyReport } from '../text/build.js';
import { vocabularyState, type Replaceable, type VocabularyState } from '../text/vocabulary-file.js';
import { contentHashes } from './content-hash.js';
import { corpusFiles, corpusFormat } from './corpus.js';
import { cachedCounts, type CorpusFacts } from './facts.js';
import { openSplit } from './split.js';
import { assertVocabularyFiles } from './training-files.js';

/** The settings that name the tokenizer files. */
type DirectoryConfig = Pick<Config, 'runDirectory'> & { readonly tokenizer: Pick<Config['tokenizer'], 'directory'> };

/** Directory of the encoded corpora and of other results that are computed again if they are lost. */
export function cacheDirectory({ data, runDirectory }: Pick<TextConfig, 'data' | 'runDirectory'>): string {
  return data.cacheDirectory ?? path.join(runDirectory, 'cache');
}

/** Folder of the tokenizer files; the run directory by default. */
export function tokenizerDirectory(config: DirectoryConfig): string {
  return config.tokenizer.directory ?? config.runDirectory;
}

/** Whether `tokenizer.directory` differs from the run directory, so that training copies the tokenizers from it. */
export function hasTokenizerDirectory(config: DirectoryConfig): boolean {
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
 * Counts the training corpora for the settings that are `auto`. The counts are cached with the encoded corpora.
 *
 * @returns undefined if a file is a pipe, which can be read only once
 */
export async function countTrainingText(config: TextConfig): Promise<CorpusFacts | undefined> {
  const text = await trainingTextHash(config);
  if (text === undefined) return undefined;
  const weights = config.data.train.map(({ weight }) => weight ?? 1);
  const key = createHash('sha256')
    .update(JSON.stringify([text, weights]))
    .digest('hex');
  const { read } = await openSplit(config, 'train');
  return cachedCounts(config.data.train, cacheDirectory(config), key, read);
}

async function trainingTextKey(config: TextConfig): Promise<string> {
  // The content of a pipe is unknown before reading, so it always counts as changed.
  return (await trainingTextHash(config)) ?? `unknown ${Date.now()}`;
}

/** Hash of content and format of the training corpora, without paths and weights; undefined if a file is a pipe. */
async function trainingTextHash(config: TextConfig): Promise<string | undefined> {
  const files = config.data.train.flatMap(corpusFiles);
  const hashes = await contentHashes(files, cacheDirectory(config));
  if (hashes === undefined) return undefined;
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
