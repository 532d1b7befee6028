import type { Config, CorpusConfig } from '../config/schema.js';
import { S2sError, UsageError } from '../errors.js';
import { plural } from '../plural.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { corpusTexts, type CorpusTexts } from './corpus.js';
import { loadEncodedCorpus, type DataEvent, type LoadedCorpus } from './encode.js';
import { DROP_REASONS, type DropReason } from './filter.js';
import { sideFile } from './pair.js';
import { pairsInFirstEpoch } from './plan.js';
import { openSplit } from './split.js';
import type { FilterSummary } from './summary.js';
import { trainingLines } from './unusable-lines.js';
import { cacheDirectory } from './vocabulary.js';

export type { DataEvent, LoadedCorpus } from './encode.js';
export type { FilterSummary } from './summary.js';

/** An unfiltered evaluation split, as token ids and, in the same order, as text. */
export interface EvaluationData extends LoadedCorpus, CorpusTexts {
  /** The corpora that the origins of its pairs refer to. */
  readonly corpora: readonly CorpusConfig[];
}

export interface TrainingData {
  readonly train: LoadedCorpus;
  readonly dev: EvaluationData;
}

/**
 * Loads the train split, filtered by length, and the unfiltered dev split.
 * @throws S2sError `no-pairs` if a split is empty, before or after filtering, or if every dev pair has an empty side;
 *   see also `readPairs`
 */
export async function loadTrainingData(
  config: Config,
  tokenizers: TokenizerPair,
  onEvent: (event: DataEvent) => void = () => undefined,
): Promise<TrainingData> {
  const { maxSourceLength, maxTargetLength, maxLengthRatio } = config.data;
  const { corpora, read, selection } = await openSplit(config, 'train');
  const train = await loadEncodedCorpus({
    corpora,
    read,
    selection,
    tokenizers,
    limits: { maxSourceLength, maxTargetLength, maxLengthRatio },
    lines: trainingLines(config.data),
    cacheDirectory: cacheDirectory(config),
    split: 'train',
    onEvent,
  });
  if (train.corpus.size === 0) throw noPairs('train', corpora, train.summary);
  checkWeights(train, corpora);
  const dev = await loadEvaluationData(config, 'dev', tokenizers, onEvent);
  return { train, dev };
}

/** Loads the unfiltered dev or test split, with its text. */
export async function loadEvaluationData(
  config: Config,
  split: 'dev' | 'test',
  tokenizers: TokenizerPair,
  onEvent: (event: DataEvent) => void = () => undefined,
): Promise<EvaluationData> {
  const { corpora, read, heldOut } = await openSplit(config, split);
  const loaded = await loadEncodedCorpus({
    corpora,
    read,
    tokenizers,
    cacheDirectory: heldOut ? undefined : cacheDirectory(config),
    split,
    onEvent,
  });
  if (loaded.corpus.size === 0) throw noPairs(split, corpora, loaded.summary);
  const texts = await corpusTexts(read());
  if (texts.sources.length !== loaded.corpus.size) {
    throw new S2sError('file-changed', `the ${split} files changed while they were read`, {
      hint: 'Run the command again.',
    });
  }
  if (!texts.sources.some((source, pair) => isUsable(source, texts.targets[pair]!, loaded.corpus.targetLength(pair))))
    throw onlyEmptyPairs(split, corpora, loaded.corpus.size);
  return { ...loaded, ...texts, corpora };
}

function checkWeights({ ranges }: LoadedCorpus, corpora: readonly CorpusConfig[]): void {
  if (pairsInFirstEpoch(ranges) > 0) return;
  const number = ranges.findIndex(({ start, end }) => end > start);
  const corpus = corpora[number]!;
  throw new S2sError('no-pairs', `with weight ${corpus.weight} an epoch has less than one pair of this corpus`, {
    place: { file: sideFile(corpus, 'source'), key: `data.train[${number}].weight` },
    hint: 'The weight is how often an epoch uses each pair of a corpus: 1 uses every pair once, 0.5 half of them.',
  });
}

/** Whether a pair can be scored: both sides have a visible character, and the target has a token. */
function isUsable(source: string, target: string, targetTokens: number): boolean {
  return VISIBLE.test(source) && VISIBLE.test(target) && targetTokens > 0;
}

const VISIBLE = /[^\s\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}]/u;

function onlyEmptyPairs(split: string, corpora: readonly CorpusConfig[], pairs: number): S2sError {
  const [first] = corpora;
  const every = pairs === 1 ? 'the only pair' : `every one of the ${pairs} pairs`;
  return new UsageError('no-pairs', `${every} of the ${split} data has an empty side, so that nothing can be scored`, {
    place: { file: first?.file ?? first?.source, key: `data.${split}` },
    hint: 'Check that the files are not blank, that they belong together, and the columns or fields of this corpus.',
  });
}

function noPairs(split: string, corpora: readonly CorpusConfig[], summary: FilterSummary): S2sError {
  const reasons = (Object.keys(DROP_REASONS) as DropReason[])
    .filter((reason) => summary.dropped[reason] > 0)
    .map((reason) => `${summary.dropped[reason]} ${DROP_REASONS[reason]}`);
  const first = corpora[0];
  return new S2sError(
    'no-pairs',
    summary.read === 0
      ? `the ${split} data contain no sentence pair`
      : `filtering dropped all ${plural(summary.read, 'pair')} of the ${split} data: ${reasons.join(', ')}`,
    {
      place: { file: first?.file ?? first?.source, key: `data.${split}` },
      hint:
        summary.read === 0
          ? undefined
          : 'Check the files, or raise data.maxSourceLength, data.maxTargetLength or data.maxLengthRatio.',
      exitCode: 2,
    },
  );
}
