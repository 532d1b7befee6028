/**
 * s2s for programs, `import ... from 's2s-nmt'`: what the command line does, as functions that return data and tell
 * events. Nothing here prints, and importing it does not load TensorFlow; `loadTensorFlow` does, once in a process,
 * before anything that trains or translates.
 *
 * Translating:
 *
 *     await loadTensorFlow();
 *     const run = await loadRun('runs/de-en');
 *     const { model, tokenizers, config } = run;
 *     const [translation] = await translateLines(['Guten Morgen.'], { model, tokenizers, options: config.decoding });
 *     console.log(translation?.hypotheses[0].text);
 *     run.close();
 *
 * Training:
 *
 *     const config = loadConfig({ file: 'my.yaml' });
 *     await loadTensorFlow({ device: config.device, precision: config.precision });
 *     const run = await openTraining(config);
 *     try {
 *       for await (const event of train(run)) if (event.type === 'validation') console.log(event.step, event.bleu);
 *     } finally {
 *       await run.close();
 *     }
 *
 * A run holds the memory of its model, the thread that makes its batches and the lock of its directory until `close()`.
 *
 * Mistakes of the user are thrown as `S2sError`, with a stable `code`, a place and a hint.
 */

export { formatPlace, S2sError, UsageError, type Place } from './errors.js';
export { packageVersion } from './version.js';

// Configuration
export { ConfigError, loadConfig, type LoadOptions } from './config/load.js';
export { jsonSchema } from './config/json-schema.js';
export type {
  Config,
  ConfigInput,
  CorpusConfig,
  DecodingConfig,
  ModelConfig,
  TokenizerConfig,
  TrainingConfig,
} from './config/schema.js';

// TensorFlow
export { loadTensorFlow, type LoadedRuntime, type TensorFlowOptions } from './runtime/tensorflow.js';
export type { Precision } from './runtime/policy.js';

// Tokenizers
export { loadTokenizer, loadTokenizers } from './text/load.js';
export { buildConfigVocabulary } from './training/vocabulary.js';
export type { Tokenizer, TokenizerPair } from './text/tokenizer.js';
export type { VocabularyEvent, VocabularyReport } from './text/build.js';

// Training
export { openTraining, type PreparationEvent } from './training/open.js';
export { train } from './training/train.js';
export type { TrainingRun } from './training/run.js';
export type {
  CheckpointEvent,
  RehearsalEvent,
  SkippedEvent,
  StartEvent,
  StoppedEvent,
  TrainingEvent,
  UpdateEvent,
  ValidationEvent,
} from './training/events.js';

// Translating
export { loadRun, type LoadedRun } from './translation/load-run.js';
export {
  translateLines,
  type TranslatedHypothesis,
  type Translation,
  type TranslationSettings,
} from './decoding/translate-lines.js';
export type { WhichCheckpoint } from './checkpoint/checkpoint-index.js';

// Evaluating
export {
  evaluateModel,
  scorePairs,
  type EvaluationSettings,
  type ModelEvaluation,
} from './evaluation/evaluate-model.js';
export { readSplit, type EvaluationSet, type EvaluationSplit } from './evaluation/evaluation-set.js';
export { corpusBleu, sentenceBleu, type BleuOptions, type BleuScore } from './metrics/bleu.js';
export { corpusChrf, sentenceChrf, type ChrfOptions, type ChrfScore } from './metrics/chrf.js';
export { corpusTer, sentenceTer, type TerOptions, type TerScore } from './metrics/ter.js';
export {
  scoreTranslations,
  type ScoringOptions,
  type TextMetric,
  type TranslationScores,
} from './metrics/score-translations.js';
