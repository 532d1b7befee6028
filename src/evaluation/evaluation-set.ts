import type { LoadedConfig } from '../config/file-schema.js';
import { hasSplit } from '../config/hold-out.js';
import { corpusTexts } from '../data/corpus.js';
import type { EncodedCorpus } from '../data/batch.js';
import { PackedCorpusBuilder } from '../data/packed.js';
import { openSplit } from '../data/split.js';
import { UsageError } from '../errors.js';
import type { TokenizerPair } from '../text/tokenizer.js';

/** Parallel text to evaluate a model on: all lines, including blank ones, detokenised. */
export interface EvaluationSet {
  readonly sources: readonly string[];
  /** One or more sets of references, each as long as the sources. */
  readonly references: readonly [readonly string[], ...(readonly string[])[]];
}

export const EVALUATION_SPLITS = ['dev', 'test'] as const;
export type EvaluationSplit = (typeof EVALUATION_SPLITS)[number];

/** The default split: test, or dev if the configuration has no test corpora. */
export function defaultSplit({ data }: Pick<LoadedConfig, 'data'>): EvaluationSplit {
  return hasSplit(data, 'test') ? 'test' : 'dev';
}

/**
 * Reads all pairs of a split; held-out pairs are those of the run directory (see `loadHeldOut`). Length limits do not
 * apply, because they would change the scores.
 *
 * @throws UsageError `no-split` if the configuration has no corpora for the split; S2sError `no-pairs` if they are
 *   empty; and the errors of `readPairs`
 */
export async function readSplit(config: LoadedConfig, split: EvaluationSplit): Promise<EvaluationSet> {
  if (!hasSplit(config.data, split)) {
    throw new UsageError('no-split', `the configuration has no ${split} corpora`, {
      hint: `Add them to data.${split}, evaluate on dev (--split dev), or pass files: --source FILE --references FILE`,
    });
  }
  const { corpora, read } = await openSplit(config, split);
  const { sources, targets } = await corpusTexts(read());
  if (sources.length === 0) {
    throw new UsageError('no-pairs', `the ${split} data contain no sentence pair`, {
      place: { file: corpora[0]?.file ?? corpora[0]?.source, key: `data.${split}` },
    });
  }
  return { sources, references: [targets] };
}

/** Encodes sentence pairs, without a length limit. */
export async function encodeTexts(
  sources: readonly string[],
  targets: readonly string[],
  tokenizers: TokenizerPair,
): Promise<EncodedCorpus> {
  const [sourceIds, targetIds] = await Promise.all([
    tokenizers.source.encodeBatch(sources),
    tokenizers.target.encodeBatch(targets),
  ]);
  const builder = new PackedCorpusBuilder(
    { source: tokenizers.source.vocabularySize, target: tokenizers.target.vocabularySize },
    1,
  );
  sourceIds.forEach((ids, index) => builder.add(ids, targetIds[index]!, 0, index + 1));
  return builder.build('', null);
}
