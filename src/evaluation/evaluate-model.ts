import { setImmediate } from 'node:timers/promises';
import type { DecodingConfig } from '../config/schema.js';
import { evaluationBatches } from '../data/batches.js';
import { S2sError } from '../errors.js';
import { evaluateLoss, type TeacherForcedScores } from '../loss/evaluate.js';
import { scoreBatch } from '../loss/score.js';
import { loopingOutputs } from '../metrics/looping.js';
import { scoreTranslations, type ScoringOptions, type TranslationScores } from '../metrics/score-translations.js';
import { bleuWarnings, describeNormalizationCost, normalizationCost } from '../metrics/reference-warnings.js';
import { tokenizedWarnings } from '../metrics/tokenized.js';
import type { TrainableModel } from '../model/model.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { translateLines, type TranslationSettings } from '../decoding/translate-lines.js';
import { encodeTexts, type EvaluationSet } from './evaluation-set.js';

/** Maximum size of the logits of a batch under teacher forcing, [positions, vocabulary]: 128 MB. */
const MAX_BATCH_LOGITS = 1 << 25;

export interface EvaluationSettings {
  readonly model: TrainableModel;
  readonly tokenizers: TokenizerPair;
  readonly decoding: DecodingConfig;
  /** Default: all metrics with their default options. */
  readonly scoring?: ScoringOptions;
  readonly onTruncated?: TranslationSettings['onTruncated'];
  readonly onProgress?: TranslationSettings['onProgress'];
}

/** Result of an evaluation. */
export interface ModelEvaluation {
  /** Scores of the hypotheses against all references. */
  readonly scores: TranslationScores;
  /** Loss (without label smoothing), perplexity and accuracy of the first set of references. */
  readonly teacherForced: TeacherForcedScores;
  /** The best hypothesis for each source. */
  readonly hypotheses: readonly string[];
  /** Messages about degenerate output, or about text that seems to be tokenised. */
  readonly warnings: readonly string[];
}

/**
 * Translates the sources, scores the hypotheses, and computes the perplexity of the references. All lines count,
 * including blank ones. Call `loadTensorFlow` first.
 *
 * @throws S2sError `decoding-not-finite` if the model computes NaN
 */
export async function evaluateModel(set: EvaluationSet, settings: EvaluationSettings): Promise<ModelEvaluation> {
  const { model, tokenizers, decoding, scoring, onTruncated, onProgress } = settings;
  const { sources, references } = set;
  const translations = await translateLines(sources, {
    model,
    tokenizers,
    options: { ...decoding, nBest: 1 },
    onTruncated,
    onProgress,
  });
  const hypotheses = translations.map(({ hypotheses: [best] }) => best.text);
  const corpus = await encodeTexts(sources, references[0], tokenizers);
  const warnings = [
    ...loopingOutputs(sources, hypotheses),
    ...tokenizedWarnings('the output of the model', hypotheses),
    ...references.flatMap((lines, index) => {
      const name = references.length === 1 ? 'the reference text' : `reference text ${index + 1}`;
      return [...tokenizedWarnings(name, lines), ...bleuReferenceWarnings(name, lines, settings)];
    }),
  ];
  return {
    scores: scoreTranslations(hypotheses, references, scoring),
    teacherForced: evaluateLoss(model, evaluationBatches(corpus, maxBatchTokens(settings)), 0),
    hypotheses,
    warnings,
  };
}

/** Warnings about references that BLEU cannot score, or that the model cannot write. */
function bleuReferenceWarnings(
  name: string,
  lines: readonly string[],
  { scoring, tokenizers: { target } }: Pick<EvaluationSettings, 'scoring' | 'tokenizers'>,
): string[] {
  if (scoring?.metrics?.includes('bleu') === false) return [];
  const normalized = lines.map((line) => target.normalize(line));
  const cost = scoring?.bleu?.lowercase === true ? undefined : normalizationCost(lines, normalized, scoring?.bleu);
  return [
    ...bleuWarnings(name, lines, scoring?.bleu),
    ...(cost === undefined ? [] : [`${name}: ${describeNormalizationCost(cost, lines.length)}`]),
  ];
}

/**
 * Computes the log-probability of each target given its source: natural logarithm, summed over its tokens and `</s>`.
 * Call `loadTensorFlow` first.
 *
 * @returns one value per pair, in order
 * @throws S2sError `scoring-not-finite` if the model computes NaN
 */
export async function scorePairs(
  sources: readonly string[],
  targets: readonly string[],
  settings: Pick<EvaluationSettings, 'model' | 'tokenizers' | 'decoding'>,
): Promise<number[]> {
  const corpus = await encodeTexts(sources, targets, settings.tokenizers);
  const logProbabilities = new Array<number>(corpus.size).fill(0);
  for (const batch of evaluationBatches(corpus, maxBatchTokens(settings))) {
    const scores = scoreBatch(settings.model, batch);
    batch.indices.forEach((index, row) => (logProbabilities[index] = scores[row]!));
    // A batch blocks the thread: handle pending signals and I/O.
    await setImmediate();
  }
  if (logProbabilities.some(Number.isNaN)) {
    throw new S2sError('scoring-not-finite', 'the model computes NaN instead of probabilities', {
      hint: 'Its weights are damaged, or training has diverged: use an earlier checkpoint.',
    });
  }
  return logProbabilities;
}

function maxBatchTokens({ model, decoding }: Pick<EvaluationSettings, 'model' | 'decoding'>): number {
  return Math.max(1, Math.min(decoding.batchTokens, Math.floor(MAX_BATCH_LOGITS / model.targetVocabularySize)));
}
