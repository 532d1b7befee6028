import { setImmediate } from 'node:timers/promises';
import type { DecodingConfig } from '../config/schema.js';
import { evaluationBatches } from '../data/batches.js';
import { S2sError } from '../errors.js';
import { evaluateLoss, type TeacherForcedScores } from '../loss/evaluate.js';
import { scoreBatch } from '../loss/score.js';
import { loopingOutputs } from '../metrics/looping.js';
import { scoreTranslations, type ScoringOptions, type TranslationScores } from '../metrics/score-translations.js';
import { tokenizedWarnings } from '../metrics/tokenized.js';
import type { TrainableModel } from '../model/model.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { translateLines, type TranslationSettings } from '../decoding/translate-lines.js';
import { encodeTexts, type EvaluationSet } from './evaluation-set.js';

/** Most logits (target positions times vocabulary) of a batch under teacher forcing: 128 MB of them. */
const MAX_BATCH_LOGITS = 1 << 25;

/** A model to evaluate, and how. */
export interface EvaluationSettings {
  readonly model: TrainableModel;
  readonly tokenizers: TokenizerPair;
  readonly decoding: DecodingConfig;
  /** Default: all metrics in their standard settings. */
  readonly scoring?: ScoringOptions;
  readonly onCut?: TranslationSettings['onCut'];
  readonly onProgress?: TranslationSettings['onProgress'];
}

/** What an evaluation found. */
export interface ModelEvaluation {
  /** Scores of the translations against all sets of references. */
  readonly scores: TranslationScores;
  /** How well the model predicts the first set of references; its loss is without label smoothing. */
  readonly teacherForced: TeacherForcedScores;
  /** The best translation of each source. */
  readonly hypotheses: readonly string[];
  /** Signs that the model is sick or that a text is not as people write it, in words. */
  readonly warnings: readonly string[];
}

/**
 * Translates a text and scores the translations, and measures how well the model predicts the references. Every line
 * counts, blank ones too. TensorFlow must have been loaded.
 *
 * @throws S2sError `decoding-not-finite` when the model gives NaN
 */
export async function evaluateModel(set: EvaluationSet, settings: EvaluationSettings): Promise<ModelEvaluation> {
  const { model, tokenizers, decoding, scoring, onCut, onProgress } = settings;
  const { sources, references } = set;
  const translations = await translateLines(sources, {
    model,
    tokenizers,
    options: { ...decoding, nBest: 1 },
    onCut,
    onProgress,
  });
  const hypotheses = translations.map(({ hypotheses: [best] }) => best.text);
  const corpus = await encodeTexts(sources, references[0], tokenizers);
  const warnings = [
    ...loopingOutputs(sources, hypotheses),
    ...tokenizedWarnings('the output of the model', hypotheses),
    ...references.flatMap((lines, index) =>
      tokenizedWarnings(references.length === 1 ? 'the reference text' : `reference text ${index + 1}`, lines),
    ),
  ];
  return {
    scores: scoreTranslations(hypotheses, references, scoring),
    teacherForced: evaluateLoss(model, evaluationBatches(corpus, positionsAtOnce(settings)), 0),
    hypotheses,
    warnings,
  };
}

/**
 * The log-probability that a model gives each translation (natural logarithm, summed over its tokens and `</s>`), in
 * the order of the pairs. TensorFlow must have been loaded.
 *
 * @throws S2sError `scoring-not-finite` when the model gives NaN
 */
export async function scorePairs(
  sources: readonly string[],
  targets: readonly string[],
  settings: Pick<EvaluationSettings, 'model' | 'tokenizers' | 'decoding'>,
): Promise<number[]> {
  const corpus = await encodeTexts(sources, targets, settings.tokenizers);
  const logProbabilities = new Array<number>(corpus.size).fill(0);
  for (const batch of evaluationBatches(corpus, positionsAtOnce(settings))) {
    const scores = scoreBatch(settings.model, batch);
    batch.indices.forEach((index, row) => (logProbabilities[index] = scores[row]!));
    // Computing blocks the thread; between batches signals and pipes have their turn.
    await setImmediate();
  }
  if (logProbabilities.some(Number.isNaN)) {
    throw new S2sError('scoring-not-finite', 'the model gives NaN where probabilities should be', {
      hint: 'Its weights are damaged or training diverged: take an earlier checkpoint.',
    });
  }
  return logProbabilities;
}

function positionsAtOnce({ model, decoding }: Pick<EvaluationSettings, 'model' | 'decoding'>): number {
  return Math.max(1, Math.min(decoding.batchTokens, Math.floor(MAX_BATCH_LOGITS / model.targetVocabularySize)));
}
