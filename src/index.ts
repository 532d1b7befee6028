/**
 * s2s as a library: `import ... from 's2s-nmt'`. The functions return data and emit events, and print nothing.
 * Importing this module does not load TensorFlow; call `loadTensorFlow` once before anything that trains or translates.
 * docs/api.md has more examples.
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
 * Training, from newly initialised weights (`{ start: 'resume' }` resumes from the last checkpoint):
 *
 *     const config = loadConfig({ file: 'my.yaml' });
 *     await loadTensorFlow({ device: config.device });
 *     const run = await openTraining(config);
 *     try {
 *       for await (const event of train(run)) {
 *         if (event.type === 'validation') console.log(event.step, event.bleu);
 *       }
 *     } finally {
 *       await run.close();
 *     }
 *
 * Each model has its own precision (`precision` of the configuration, or of the options of `loadRun`), so models of
 * different precision can be used in one process. `close()` frees the memory of a model; for a training run it also
 * stops the data loader thread and unlocks the run directory.
 *
 * Errors that the user can fix are `S2sError`s, with a stable `code`, a place and a hint.
 */

export { formatPlace, S2sError, UsageError, type Place } from './errors.js';
export { packageVersion } from './version.js';

// Configuration
export { ConfigError, loadConfig, type LoadOptions } from './config/load.js';
export { jsonSchema, type ConfigInput, type LoadedConfig } from './config/file-schema.js';
export type {
  Config,
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
export { chooseSettings, type ChosenSettings } from './training/settings.js';
export { openTraining, type OpenOptions, type PreparationEvent, type StartFrom } from './training/open.js';
export { train } from './training/train.js';
export type { TrainingRun } from './training/run.js';
export type {
  CheckpointEvent,
  DryRunEvent,
  SkippedEvent,
  StartEvent,
  StoppedEvent,
  TrainingEvent,
  UpdateEvent,
  ValidationEvent,
} from './training/events.js';

// Translation
export { loadRun, type LoadedRun, type LoadRunOptions } from './translation/load-run.js';
export {
  translateLines,
  type TranslatedHypothesis,
  type Translation,
  type TranslationSettings,
} from './decoding/translate-lines.js';
export { attentionMaps, type AttentionMap } from './translation/attention-maps.js';
export type { PartialHypothesis, TokenConstraint, TokenProcessor } from './decoding/constraints.js';
export type { WhichCheckpoint } from './checkpoint/checkpoint-index.js';

// Evaluation
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
