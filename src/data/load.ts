import path from 'node:path';
import type { Config, CorpusConfig } from '../config/schema.js';
import { S2sError } from '../errors.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { corpusTexts, type CorpusTexts } from './corpus.js';
import { loadEncodedCorpus, type DataEvent, type LoadedCorpus } from './encode.js';
import { DROP_REASONS, type DropReason } from './filter.js';
import { sideFile } from './pair.js';
import { pairsInFirstEpoch } from './plan.js';
import type { FilterSummary } from './summary.js';

export type { DataEvent, LoadedCorpus } from './encode.js';
export type { FilterSummary } from './summary.js';

/** A split to evaluate on: every pair of it, as ids and, in the same order, as text. */
export interface EvaluationData extends LoadedCorpus, CorpusTexts {}

export interface TrainingData {
  readonly train: LoadedCorpus;
  readonly dev: EvaluationData;
}

/**
 * Loads what a training needs: the train split filtered by the limits of the configuration, the dev split whole.
 * @throws S2sError `no-pairs` when a split is empty, or nothing of it is left; and see `readPairs`
 */
export async function loadTrainingData(
  config: Config,
  tokenizers: TokenizerPair,
  onEvent: (event: DataEvent) => void = () => undefined,
): Promise<TrainingData> {
  const { maxSourceLength, maxTargetLength, maxLengthRatio } = config.data;
  const train = await loadEncodedCorpus({
    corpora: config.data.train,
    tokenizers,
    limits: { maxSourceLength, maxTargetLength, maxLengthRatio },
    cacheDirectory: cacheDirectory(config),
    split: 'train',
    onEvent,
  });
  if (train.corpus.size === 0) throw nothingLeft('train', config.data.train, train.summary);
  checkWeights(train, config.data.train);
  const dev = await loadEvaluationData(config, 'dev', tokenizers, onEvent);
  return { train, dev };
}

/** Loads the dev or test split whole, with its text. */
export async function loadEvaluationData(
  config: Config,
  split: 'dev' | 'test',
  tokenizers: TokenizerPair,
  onEvent: (event: DataEvent) => void = () => undefined,
): Promise<EvaluationData> {
  const corpora = config.data[split];
  const loaded = await loadEncodedCorpus({
    corpora,
    tokenizers,
    cacheDirectory: cacheDirectory(config),
    split,
    onEvent,
  });
  if (loaded.corpus.size === 0) throw nothingLeft(split, corpora, loaded.summary);
  const texts = await corpusTexts(corpora);
  if (texts.sources.length !== loaded.corpus.size) {
    throw new S2sError('file-changed', `the ${split} files changed while they were read`, {
      hint: 'Run the command again.',
    });
  }
  return { ...loaded, ...texts };
}

function checkWeights({ ranges }: LoadedCorpus, corpora: readonly CorpusConfig[]): void {
  if (pairsInFirstEpoch(ranges) > 0) return;
  const number = ranges.findIndex(({ start, end }) => end > start);
  const corpus = corpora[number]!;
  throw new S2sError(
    'no-pairs',
    `an epoch would show less than one pair: the weight of this corpus is ${corpus.weight}`,
    {
      place: { file: sideFile(corpus, 'source'), key: `data.train[${number}].weight` },
      hint: 'A weight is the share of a corpus that an epoch shows: 1 shows every pair once.',
    },
  );
}

/** Folder of the encoded corpora. */
function cacheDirectory(config: Config): string {
  return config.data.cacheDirectory ?? path.join(config.runDirectory, 'cache');
}

function nothingLeft(split: string, corpora: readonly CorpusConfig[], summary: FilterSummary): S2sError {
  const reasons = (Object.keys(DROP_REASONS) as DropReason[])
    .filter((reason) => summary.dropped[reason] > 0)
    .map((reason) => `${summary.dropped[reason]} ${DROP_REASONS[reason]}`);
  const first = corpora[0];
  return new S2sError(
    'no-pairs',
    summary.read === 0
      ? `the ${split} data hold no sentence pair`
      : `none of the ${summary.read} pairs of the ${split} data is left: ${reasons.join(', ')}`,
    {
      place: { file: first?.file ?? first?.source, key: `data.${split}` },
      hint:
        summary.read === 0
          ? undefined
          : 'Check the files, or raise data.maxSourceLength, data.maxTargetLength or data.maxLengthRatio.',
    },
  );
}
