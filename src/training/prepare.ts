import { readIndex } from '../checkpoint/checkpoint-index.js';
import { lockRunDirectory } from '../checkpoint/lock.js';
import { loadCheckpoint, type Checkpoint } from '../checkpoint/run-directory.js';
import { Cleanup } from '../cleanup.js';
import { assertNoOtherConfig, readResolvedConfig, saveResolvedConfig } from '../config/save.js';
import type { Config } from '../config/schema.js';
import { placesOf } from '../data/batch-origin.js';
import { loadTrainingData, type DataEvent } from '../data/load.js';
import { BatchPrefetcher } from '../data/prefetch.js';
import { configVocabularyState, isTokenizerNamed, tokenizerDirectory } from '../data/vocabulary.js';
import { S2sError } from '../errors.js';
import { buildModel } from '../model/build.js';
import { FIRST_LOSS_SCALE } from '../optim/loss-scale.js';
import { Optimizer } from '../optim/optimizer.js';
import { Random } from '../random.js';
import { loadedRuntime } from '../runtime/tensorflow.js';
import type { VocabularyEvent, VocabularyReport } from '../text/build.js';
import { loadTokenizers } from '../text/load.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { copyVocabulary } from '../text/vocabulary-file.js';
import { assignWeights } from '../translation/load-run.js';
import { progressShare } from './limits.js';
import { START } from './progress.js';
import { assertSameModel, batchOrder, resumePosition, settingChanges, type SettingChange } from './resume.js';
import { completedEpochs, stepsPerEpoch, type TrainingRun } from './run.js';
import { restoreOptimizer, restoreProgress } from './save.js';
import { assertBuildable, buildConfigVocabulary } from './vocabulary.js';

/** What happens before a training starts. */
export type PreparationEvent =
  | DataEvent
  | VocabularyEvent
  | { readonly type: 'vocabulary-needed'; readonly reason: string }
  | { readonly type: 'vocabulary-built'; readonly report: VocabularyReport }
  /** The tokenizers of `tokenizer.directory` are used although the configuration would learn others. */
  | { readonly type: 'vocabulary-differs'; readonly directory: string; readonly reason: string }
  /** A tokenizer.json file has settings that s2s does not follow; see `Tokenizer.notices`. */
  | { readonly type: 'tokenizer-notices'; readonly directory: string; readonly notices: readonly string[] }
  | { readonly type: 'nothing-to-resume' }
  | { readonly type: 'resumed'; readonly step: number; readonly changes: readonly SettingChange[]; readonly restartedEpoch: boolean };

/**
 * Makes a training ready: vocabulary, data, model, optimiser, and with `resume` everything that the last checkpoint of
 * the run directory holds. TensorFlow must have been loaded. The run directory is locked, and memory and threads are
 * held, until the run is closed with `close()`; when this function fails, nothing stays locked or held.
 *
 * @throws S2sError `run-directory-locked` when another training uses the run directory; `run-exists` when it holds a training
 *   and `resume` is not set; `run-differs` when it holds one of another model or vocabulary; `config-foreign`,
 *   `tokenizer-foreign` or `tokenizer-kept` when files are in the way that s2s did not write or that a run may need; and what
 *   reading text, data and checkpoints throws
 */
export async function prepareTraining(config: Config, resume: boolean, onEvent: (event: PreparationEvent) => void = () => undefined): Promise<TrainingRun> {
  const cleanup = new Cleanup();
  try {
    return await prepare(config, resume, onEvent, cleanup);
  } catch (error) {
    // Why the preparation failed is what the user has to know.
    await cleanup.run().catch(() => undefined);
    throw error;
  }
}

async function prepare(config: Config, resume: boolean, onEvent: (event: PreparationEvent) => void, cleanup: Cleanup): Promise<TrainingRun> {
  const { runDirectory } = config;
  const lock = await lockRunDirectory(runDirectory);
  cleanup.add(() => lock.release());
  const checkpoint = await checkpointToResume(runDirectory, resume, onEvent);
  const before = checkpoint === undefined ? undefined : readResolvedConfig(runDirectory);
  let tokenizers;
  if (checkpoint !== undefined && before !== undefined) {
    tokenizers = loadTokenizers(runDirectory, before.tokenizer.shared);
    assertSameModel(checkpoint, before, config, tokenizers);
  } else {
    assertNoOtherConfig(runDirectory);
    tokenizers = await prepareTokenizers(config, onEvent);
    // A resumed run writes its settings with its first checkpoint: until then the last one still belongs to the old ones.
    saveResolvedConfig(config, runDirectory);
  }

  const notices = [...new Set([...tokenizers.source.notices, ...tokenizers.target.notices])];
  if (notices.length > 0) onEvent({ type: 'tokenizer-notices', directory: runDirectory, notices });

  const { train, dev } = await loadTrainingData(config, tokenizers, onEvent);
  const model = buildModel(config.model, tokenizers.source.vocabularySize, tokenizers.target.vocabularySize, new Random(config.seed).derive('weights'));
  cleanup.add(() => model.dispose());
  const optimizer = new Optimizer(
    config.training.optimizer,
    model.parameters.names.map((name) => ({ name, weights: model.parameters.storedTensor(name) })),
  );
  cleanup.add(() => optimizer.dispose());
  const { size, unit } = config.training.batch;
  const options = { seed: config.seed, size, unit, ranges: train.ranges };
  const order = batchOrder(train.corpus, options);
  let start = { epoch: 0, batch: 0 };
  if (checkpoint !== undefined && before !== undefined) {
    assignWeights(model, checkpoint.weights, checkpoint.directory);
    await restoreOptimizer({ optimizer }, checkpoint);
    const { state } = checkpoint;
    const { position, restarted } = resumePosition(state.position, state.order, order);
    start = position;
    onEvent({ type: 'resumed', step: state.step, changes: settingChanges(before, config), restartedEpoch: restarted });
  }
  const batches = await BatchPrefetcher.open(train.corpus, options, { position: start });
  cleanup.add(() => batches.close());
  const saved = checkpoint === undefined ? START : await restoreProgress(config, checkpoint.state);
  const inFloat16 = loadedRuntime()?.precision === 'float16';
  const progress = { ...saved, lossScale: inFloat16 ? (saved.lossScale ?? FIRST_LOSS_SCALE) : undefined };
  const { step, elapsedSeconds, waited } = progress;
  const extent = { step, epochs: completedEpochs({ batches }), elapsedSeconds, waited };
  return {
    config,
    runDirectory,
    tokenizers,
    model,
    optimizer,
    batches,
    order,
    dev: { corpus: dev.corpus, sources: dev.sources, references: dev.targets, placeOf: placesOf(dev.corpus, config.data.dev) },
    trainPairs: train.corpus.size,
    placeOf: placesOf(train.corpus, config.data.train),
    paddingShare: batches.statistics.paddingShare,
    progress,
    startShare: progressShare(config.training, extent, stepsPerEpoch({ batches, config })),
    close: () => cleanup.run(),
  };
}

async function checkpointToResume(runDirectory: string, resume: boolean, onEvent: (event: PreparationEvent) => void): Promise<Checkpoint | undefined> {
  const { checkpoints } = await readIndex(runDirectory);
  const last = checkpoints.at(-1);
  if (resume && last === undefined) onEvent({ type: 'nothing-to-resume' });
  if (resume) return last === undefined ? undefined : loadCheckpoint(runDirectory, 'last');
  if (last === undefined) return undefined;
  throw new S2sError('run-exists', `there is a training here already, at step ${last.step}.`, {
    place: { file: runDirectory },
    hint: 'Continue it with --resume, or start another one with --run-dir DIR.',
    exitCode: 2,
  });
}

/**
 * The tokenizers of a new run: those in their folder, or newly learned ones; always copied into the run directory.
 * Tokenizers in a folder that `tokenizer.directory` names are used as they are, whatever they were learned from.
 */
async function prepareTokenizers(config: Config, onEvent: (event: PreparationEvent) => void): Promise<TokenizerPair> {
  const { runDirectory, tokenizer } = config;
  const directory = tokenizerDirectory(config);
  const named = isTokenizerNamed(config);
  const found = await configVocabularyState(config);
  if (found.state === 'stale' && named) {
    onEvent({ type: 'vocabulary-differs', directory, reason: found.reason });
  } else if (found.state === 'missing' || found.state === 'stale') {
    await assertBuildable(config, found);
    onEvent({ type: 'vocabulary-needed', reason: found.reason });
    onEvent({ type: 'vocabulary-built', report: await buildConfigVocabulary(config, onEvent) });
  }
  if (named) copyVocabulary(directory, runDirectory, tokenizer.shared ? ['shared'] : ['source', 'target']);
  return loadTokenizers(runDirectory, tokenizer.shared);
}
