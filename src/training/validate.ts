import type { Config } from '../config/schema.js';
import type { PlaceOfPair } from '../data/batch-origin.js';
import { evaluationBatches, largestBatch, largestEvaluationShapes } from '../data/batches.js';
import type { Batch, BatchShape, EncodedCorpus } from '../data/batch.js';
import { evaluateLoss, type TeacherForcedScores } from '../loss/evaluate.js';
import { corpusBleu } from '../metrics/bleu.js';
import { loopingOutputs } from '../metrics/looping.js';
import type { TrainableModel } from '../model/model.js';
import type { Task } from '../runtime/out-of-memory.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { translateLines } from '../decoding/translate-lines.js';

/** The dev set as text and as ids. */
export interface DevSet {
  readonly corpus: EncodedCorpus;
  readonly sources: readonly string[];
  readonly references: readonly string[];
  /** Where its pairs stand. */
  readonly placeOf: PlaceOfPair;
}

/** One sentence of the dev set as it is translated now. */
export interface SampleTranslation {
  readonly source: string;
  readonly reference: string;
  readonly hypothesis: string;
}

/** What a validation found. */
export interface Validation extends TeacherForcedScores {
  /** BLEU of greedy translations, 0 to 100; undefined when it is switched off, or loss or perplexity are not finite. */
  readonly bleu: number | undefined;
  readonly bleuSignature: string | undefined;
  readonly samples: readonly SampleTranslation[];
  /** Signs of a sick model, in words: the same output for many inputs, endless repeats. */
  readonly warnings: readonly string[];
}

/**
 * Loss, perplexity and accuracy under teacher forcing, then BLEU (and sample translations) from real greedy decoding. A
 * model whose loss or perplexity is not finite has no probabilities to decode with, so it translates nothing.
 *
 * @throws S2sError `out-of-memory`
 */
export async function validate(
  model: TrainableModel,
  dev: DevSet,
  tokenizers: TokenizerPair,
  config: Config,
): Promise<Validation> {
  const { training, decoding } = config;
  const task: Task = { name: 'validation', remedy: 'validation', placeOf: dev.placeOf };
  const scores = evaluateLoss(model, devBatches(dev, config), training.labelSmoothing, task);
  if (!Number.isFinite(scores.loss) || !Number.isFinite(scores.perplexity)) {
    return { ...scores, bleu: undefined, bleuSignature: undefined, samples: [], warnings: [] };
  }
  const { bleu: withBleu, maxSentences, samples } = training.validation;
  const count = Math.min(dev.sources.length, withBleu ? (maxSentences ?? dev.sources.length) : samples);
  const sources = dev.sources.slice(0, count);
  const references = dev.references.slice(0, count);
  const translations = await translateLines(sources, {
    model,
    tokenizers,
    options: { ...decoding, beamSize: 1 },
    task,
  });
  const hypotheses = translations.map(({ hypotheses: [best] }) => best?.text ?? '');
  const bleu = withBleu ? corpusBleu(hypotheses, [references]) : undefined;
  return {
    ...scores,
    bleu: bleu?.score,
    bleuSignature: bleu?.signature,
    samples: sampleIndices(count, samples).map((index) => ({
      source: sources[index]!,
      reference: references[index]!,
      hypothesis: hypotheses[index]!,
    })),
    warnings: withBleu ? loopingOutputs(sources, hypotheses) : [],
  };
}

/**
 * The dev set in batches for teacher forcing, the longest pairs first. Batches no larger than those of training fit into
 * memory, and hold half the padding of those that decoding likes.
 */
export function devBatches(
  dev: Pick<DevSet, 'corpus'>,
  { training, decoding }: Pick<Config, 'training' | 'decoding'>,
): Generator<Batch, void, undefined> {
  return evaluationBatches(dev.corpus, devBatchTokens({ training, decoding }));
}

/** The batch of `devBatches` that needs the most memory, by an estimate for a shape. */
export function largestDevBatch(
  { corpus }: Pick<DevSet, 'corpus'>,
  config: Pick<Config, 'training' | 'decoding'>,
  memory: (shape: BatchShape) => number,
): Batch {
  return largestBatch(corpus, largestEvaluationShapes(corpus, devBatchTokens(config)), memory);
}

function devBatchTokens({ training, decoding }: Pick<Config, 'training' | 'decoding'>): number {
  const { size, unit } = training.batch;
  return unit === 'tokens' ? Math.min(size, decoding.batchTokens) : decoding.batchTokens;
}

/** Evenly spaced, so that the samples are always the same sentences. */
function sampleIndices(count: number, samples: number): number[] {
  const wanted = Math.min(count, samples);
  return Array.from({ length: wanted }, (_, index) => Math.floor((index * count) / wanted));
}
