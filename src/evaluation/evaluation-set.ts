import type { Config } from '../config/schema.js';
import { corpusTexts } from '../data/corpus.js';
import type { EncodedCorpus } from '../data/batch.js';
import { PackedCorpusBuilder } from '../data/packed.js';
import { UsageError } from '../errors.js';
import type { TokenizerPair } from '../text/tokenizer.js';

/** Text to evaluate a model on: every line of it, blank ones too, as people wrote it. */
export interface EvaluationSet {
  readonly sources: readonly string[];
  /** Sets of references, each as long as the sources: at least one. */
  readonly references: readonly [readonly string[], ...(readonly string[])[]];
}

/** The splits that a model can be evaluated on. */
export const EVALUATION_SPLITS = ['dev', 'test'] as const;
export type EvaluationSplit = (typeof EVALUATION_SPLITS)[number];

/** The split that is meant when none is named: test, or dev where the configuration has no test corpora. */
export function defaultSplit({ data }: Pick<Config, 'data'>): EvaluationSplit {
  return data.test.length > 0 ? 'test' : 'dev';
}

/**
 * Reads a split whole: no limit of length leaves a pair out of a score.
 *
 * @throws UsageError `no-split` when the configuration has no corpora for it; S2sError `no-pairs` when they are empty,
 *   and what `readPairs` throws
 */
export async function readSplit({ data }: Pick<Config, 'data'>, split: EvaluationSplit): Promise<EvaluationSet> {
  const corpora = data[split];
  if (corpora.length === 0) {
    throw new UsageError('no-split', `The configuration has no ${split} corpora.`, {
      hint: `Name them under data.${split}, evaluate on dev (--split dev), or name files: --source FILE --references FILE`,
    });
  }
  const { sources, targets } = await corpusTexts(corpora);
  if (sources.length === 0) {
    throw new UsageError('no-pairs', `the ${split} data hold no sentence pair`, {
      place: { file: corpora[0]?.file ?? corpora[0]?.source, key: `data.${split}` },
    });
  }
  return { sources, references: [targets] };
}

/** Pairs of texts as token ids, every one of them kept. */
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
