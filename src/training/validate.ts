import type { Config } from '../config/schema.js';
import type { PlaceOfPair } from '../data/batch-origin.js';
import { evaluationBatches, largestBatch, largestEvaluationShapes } from '../data/batches.js';
import type { Batch, BatchShape, EncodedCorpus } from '../data/batch.js';
import { evaluateLoss, type TeacherForcedScores } from '../loss/evaluate.js';
import { corpusBleu } from '../metrics/bleu.js';
import { corpusChrf } from '../metrics/chrf.js';
import { loopingOutputs } from '../metrics/looping.js';
import type { TrainableModel } from '../model/model.js';
import type { Task } from '../runtime/out-of-memory.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { translateLines } from '../decoding/translate-lines.js';
import type { DevScoring } from './dev-scoring.js';

/** The dev set as text and as token ids. */
export interface DevSet {
  readonly corpus: EncodedCorpus;
  readonly sources: readonly string[];
  readonly references: readonly string[];
  readonly scoring: DevScoring;
  /** File and line of a pair, for messages. */
  readonly placeOf: PlaceOfPair;
}

/** A sentence of the dev set with its current translation. */
export interface SampleTranslation {
  readonly source: string;
  readonly reference: string;
  readonly hypothesis: string;
}

/** Result of a validation. */
export interface Validation extends TeacherForcedScores {
  /** BLEU of greedy translations, 0 to 100; undefined if disabled, or if loss or perplexity is not finite. */
  readonly bleu: number | undefined;
  readonly bleuSignature: string | undefined;
  /** chrF of the same translations, 0 to 100. */
  readonly chrf: number | undefined;
  readonly samples: readonly SampleTranslation[];
  /** Messages about degenerate output: the same for many inputs, or endless repetition. */
  readonly warnings: readonly string[];
}

/**
 * Computes loss, perplexity and accuracy with teacher forcing, then BLEU, chrF and sample translations from greedy
 * decoding. Decoding is skipped if loss or perplexity is not finite: such a model has no valid probabilities.
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
    return { ...scores, bleu: undefined, bleuSignature: undefined, chrf: undefined, samples: [], warnings: [] };
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
  const { bleuTokenizer, references: scored } = dev.scoring;
  const bleu = withBleu ? corpusBleu(hypotheses, [scored], { tokenizer: bleuTokenizer }) : undefined;
  return {
    ...scores,
    bleu: bleu?.score,
    bleuSignature: bleu?.signature,
    chrf: withBleu ? corpusChrf(hypotheses, [scored]).score : undefined,
    samples: sampleIndices(count, samples).map((index) => ({
      source: sources[index]!,
      reference: references[index]!,
      hypothesis: hypotheses[index]!,
    })),
    warnings: withBleu ? loopingOutputs(sources, hypotheses) : [],
  };
}

/**
 * Batches of the dev set for teacher forcing, longest pairs first. They are at most as large as training batches: these
 * are known to fit in memory, and have half the padding of batches of `decoding.batchTokens`.
 */
export function devBatches(
  dev: Pick<DevSet, 'corpus'>,
  { training, decoding }: Pick<Config, 'training' | 'decoding'>,
): Generator<Batch, void, undefined> {
  return evaluationBatches(dev.corpus, devBatchTokens({ training, decoding }));
}

/** @param memory estimated bytes for a batch of a given shape */
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

/** Evenly spaced indices: every validation shows the same sentences. */
function sampleIndices(count: number, samples: number): number[] {
  const wanted = Math.min(count, samples);
  return Array.from({ length: wanted }, (_, index) => Math.floor((index * count) / wanted));
}
